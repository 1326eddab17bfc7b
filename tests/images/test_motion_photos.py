"""The video of a motion photo stays behind the picture, and nothing speaks of one that went."""

import re
import struct
from collections.abc import Callable
from random import Random

import pytest

from media_processor.images.containers import jpeg
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .hdr_files import (
    UTC_BLOCK,
    VERSION_BLOCK,
    VIDEO,
    directory,
    huawei,
    motion_photo,
    samsung,
    second_picture,
    sef,
    ultra_hdr,
    xmp_packet,
)
from .pictures import encoded, heic, opened, photo


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


def read_sef(data: bytes) -> dict[bytes, bytes]:
    """As exiftool's Samsung.pm does."""
    assert data.endswith(b"SEFT")
    size = int.from_bytes(data[-8:-4], "little")
    start = len(data) - 8 - size
    head, _, count = struct.unpack_from("<4sII", data, start)
    assert head == b"SEFH"
    blocks = {}
    for at in range(start + 12, start + 12 + 12 * count, 12):
        _, kind, back, length = struct.unpack_from("<HHII", data, at)
        block = data[start - back : start - back + length]
        assert int.from_bytes(block[2:4], "little") == kind
        end = 8 + int.from_bytes(block[4:8], "little")
        blocks[block[8:end]] = block[end:]
    return blocks


def xmp_numbers(data: bytes, name: str) -> list[int]:
    return [int(found) for found in re.findall(f'Item:{name}="(\\d+)"'.encode(), data)]


@pytest.mark.parametrize("xmp", [False, True])
def test_samsung_finds_its_video(xmp: bool, apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(samsung(xmp=xmp))
    assert read_sef(out) == {b"MotionPhoto_Version": b"mpv3", b"MotionPhoto_Data": VIDEO}
    assert made.notes == ("Samsung's blocks behind the picture were dropped: Image_UTC_Data",)
    if xmp:
        (length,), (padding,) = xmp_numbers(out, "Length"), xmp_numbers(out, "Padding")
        assert out[len(out) - length :].startswith(VIDEO)
        assert out[jpeg.picture_end(out) + padding :].startswith(VIDEO)
    assert apply_watermark(out)[1].notes == ()


@pytest.mark.parametrize("profile", [{"motion": "drop"}, {"strip": "gps"}], ids=str)
@pytest.mark.parametrize("make", [samsung, lambda: samsung(xmp=True), lambda: huawei(2)])
def test_a_makers_video_goes_with_all_around_it(
    make: Callable[[], bytes], profile: dict[str, str], apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(make(), profile=Profile("p", **profile))  # type: ignore[arg-type]
    assert out.endswith(b"\xff\xd9")
    assert b"ftyp" not in out
    assert "the video of the motion photo was dropped, as the profile requires" in made.notes
    assert not any("data behind" in note for note in made.notes)


def test_a_samsung_picture_without_a_video_loses_its_blocks_by_name(
    apply_watermark: ApplyWatermark,
) -> None:
    trailer = sef(UTC_BLOCK, (0x0AB1, b"DualShot_DepthMap_1", b"depths"))
    out, made = apply_watermark(encoded(photo(), "JPEG") + trailer)
    assert out.endswith(b"\xff\xd9")
    names = "Image_UTC_Data, DualShot_DepthMap_1"
    assert made.notes == (f"Samsung's blocks behind the picture were dropped: {names}",)


@pytest.mark.parametrize(
    "trailer",
    [
        sef((0x0A30, b"MotionPhoto_Data", b"no video")),
        b"LIVE_5000".ljust(20),
    ],
    ids=["Samsung", "Huawei"],
)
def test_a_promise_without_a_video_is_reported(
    trailer: bytes, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(encoded(photo(), "JPEG") + trailer)
    assert out.endswith(b"\xff\xd9")
    assert "the video of the motion photo was dropped: it isn't where the file says" in made.notes


def test_a_damaged_trailer_of_samsung_goes(apply_watermark: ApplyWatermark) -> None:
    whole = samsung()
    size = len(sef(UTC_BLOCK, VERSION_BLOCK)) + 12
    random = Random(3)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(random.randrange(1, 4)):
            data[-random.randrange(1, size)] = random.randrange(256)
        out, made = apply_watermark(bytes(data))
        assert out.endswith(b"\xff\xd9") or read_sef(out)
        assert b"ftyp" in out or made.notes


@pytest.mark.parametrize("texts", [1, 2, 3])
def test_huawei_finds_its_video(texts: int, apply_watermark: ApplyWatermark) -> None:
    data = huawei(texts)
    out, made = apply_watermark(data)
    behind = VIDEO + data[-20 * texts :]
    assert out[jpeg.picture_end(out) :] == behind
    assert not made.notes


def test_a_gain_map_and_the_video_of_samsung_stay(apply_watermark: ApplyWatermark) -> None:
    plain = ultra_hdr(video=VIDEO)
    trailer = sef(VERSION_BLOCK, (0x0A30, b"MotionPhoto_Data", VIDEO))
    out, made = apply_watermark(plain.removesuffix(VIDEO) + trailer)
    assert read_sef(out)[b"MotionPhoto_Data"] == VIDEO
    gain_map, video = xmp_numbers(out, "Length")
    assert second_picture(out) == out[jpeg.picture_end(out) :][:gain_map]
    assert out[len(out) - video :].startswith(VIDEO)
    assert not made.notes


@pytest.mark.parametrize("micro", [False, True])
def test_a_video_that_isnt_there_is_reported(micro: bool, apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(motion_photo(b"", micro=micro, said=5000))
    assert b"GCamera:M" not in out
    assert "the video of the motion photo was dropped: it isn't where the file says" in made.notes


def test_a_video_that_nothing_speaks_of_is_named(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(encoded(photo(), "JPEG") + VIDEO)
    assert b"ftyp" not in out
    assert made.notes == (
        "a video behind the picture was dropped: nothing in the file speaks of it",
    )


def test_a_zip_posing_as_a_video_goes(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(motion_photo(b"PK\3\4 no video at all"))
    assert b"PK\3\4" not in out
    assert opened(out).format == "JPEG"
    assert len(made.notes) == 2
