"""The video of a motion photo stays behind the picture, and nothing speaks of one that went."""

import struct

import pytest

from media_processor.images.containers import jpeg
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .hdr_files import VIDEO, directory, motion_photo, xmp_packet
from .pictures import heic, opened, photo


@pytest.mark.parametrize("micro", [False, True])
def test_the_video_stays(micro: bool, apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(motion_photo(micro=micro))
    assert out.endswith(VIDEO)
    assert out[jpeg.picture_end(out) :] == VIDEO
    assert not made.notes
    said = f'MicroVideoOffset="{len(VIDEO)}"' if micro else f'Item:Length="{len(VIDEO)}"'
    assert said.encode() in out


@pytest.mark.parametrize("micro", [False, True])
@pytest.mark.parametrize(
    "profile", [{"motion": "drop"}, {"strip": "gps"}, {"strip": "all"}], ids=str
)
def test_a_video_that_goes_leaves_no_promise(
    micro: bool, profile: dict[str, str], apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(motion_photo(micro=micro), profile=Profile("p", **profile))  # type: ignore[arg-type]
    assert b"ftyp" not in out
    assert b"GCamera:M" not in out
    assert b"Container:Directory" not in out
    assert (b'dc:source="a phone"' in out) == (profile.get("strip") != "all")
    assert any("video" in note for note in made.notes)


@pytest.mark.parametrize("motion", ["keep", "drop"])
def test_the_video_of_a_heic_moves_behind_the_jpeg(
    motion: str, apply_watermark: ApplyWatermark
) -> None:
    inside = directory(("MotionPhoto", "video/mp4", len(VIDEO)), padding=8)
    packet = xmp_packet('GCamera:MotionPhoto="1"', inside.replace("image/jpeg", "image/heic"))
    data = heic(photo((64, 48)), xmp=packet) + struct.pack(">I4s", 8 + len(VIDEO), b"mpvd") + VIDEO
    out, made = apply_watermark(data, profile=Profile("p", motion=motion))  # type: ignore[arg-type]
    assert out.endswith(VIDEO) == (motion == "keep")
    assert (b"GCamera:MotionPhoto" in out) == (motion == "keep")
    assert any("video" in note for note in made.notes) == (motion == "drop")
    if motion == "keep":
        assert out[jpeg.picture_end(out) :] == VIDEO
        assert f'Item:Length="{len(VIDEO)}"'.encode() in out
        assert b"image/heic" not in out


@pytest.mark.parametrize("said", [10, 999_999_999, 0])
def test_a_wrong_length_is_mended_or_the_video_goes(
    said: int, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(motion_photo(said=said))
    if b"ftyp" in out:
        assert f'Item:Length="{len(VIDEO)}"'.encode() in out
    else:
        assert b"GCamera:MotionPhoto" not in out
        assert any("video" in note for note in made.notes)


def test_what_follows_the_video_goes_and_is_reported(apply_watermark: ApplyWatermark) -> None:
    tail = b"\x00\x00\x01\x0a\x0e\x00\x00\x00Image_UTC_DataSEFT"
    out, made = apply_watermark(motion_photo(VIDEO + tail))
    assert out.endswith(VIDEO)
    assert f'Item:Length="{len(VIDEO)}"'.encode() in out
    assert "data behind the picture was dropped" in made.notes


def test_a_zip_posing_as_a_video_goes(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(motion_photo(b"PK\3\4 no video at all"))
    assert b"PK\3\4" not in out
    assert opened(out).format == "JPEG"
    assert len(made.notes) == 2
