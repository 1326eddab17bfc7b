"""What a header tells, without a pixel decoded."""

import struct
import time
from io import BytesIO
from pathlib import Path

import pytest

from media_processor.errors import (
    BrokenPicture,
    EmptyFile,
    PictureError,
    TooManyPixels,
    UnsupportedPicture,
)
from media_processor.media.probe import PictureFacts, open_picture, probe

from .pictures import MAX_PIXELS, encoded, exif_with_thumbnail, orientation_exif, photo, png_with

KINDS = [
    ("JPEG", "image/jpeg", ".jpg"),
    ("PNG", "image/png", ".png"),
    ("WEBP", "image/webp", ".webp"),
]


def facts_of(data: bytes, max_pixels: int = MAX_PIXELS) -> PictureFacts:
    return probe(BytesIO(data), max_pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "content_type", "extension"), KINDS)
def test_the_facts_of_a_picture(
    kind: str, content_type: str, extension: str, orientation: int, tmp_path: Path
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(encoded(photo((40, 30)), kind, exif=orientation_exif(orientation)))
    facts = probe(path, MAX_PIXELS)
    assert facts == PictureFacts(facts.format, 40, 30, orientation)
    assert (facts.format, facts.content_type, facts.extension) == (kind, content_type, extension)
    assert facts.displayed_size == ((30, 40) if orientation >= 5 else (40, 30))


@pytest.mark.parametrize(
    "data",
    [
        encoded(photo((41, 31)), "WEBP"),
        encoded(photo((41, 31)), "WEBP", lossless=True),
        encoded(photo((41, 31), "RGBA"), "WEBP"),
        encoded(photo((41, 31)), "WEBP", exif=exif_with_thumbnail(b"x", 8), lossless=True),
    ],
    ids=["lossy", "lossless", "alpha", "exif"],
)
def test_a_webp_is_told_without_pillow_as_with_it(data: bytes) -> None:
    assert facts_of(data) == open_picture(BytesIO(data), MAX_PIXELS)[1]


def test_an_invalid_orientation_is_upright() -> None:
    assert facts_of(encoded(photo((8, 8)), "JPEG", exif=orientation_exif(9))).orientation == 1


def test_a_phone_jpeg_with_more_pictures_behind_it_counts_as_jpeg() -> None:
    mpo = encoded(photo((32, 24)), "MPO", save_all=True, append_images=[photo((32, 24))])
    assert b"MPF\0" in mpo
    assert facts_of(mpo) == PictureFacts("JPEG", 32, 24, 1)


def test_an_empty_file() -> None:
    with pytest.raises(EmptyFile):
        facts_of(b"")


@pytest.mark.parametrize(
    "data",
    [
        b"just some text",
        b"\xff\xd8",
        encoded(photo((8, 8)), "GIF"),
        encoded(photo((8, 8)), "TIFF"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"RIFF\x10\0\0\0WAVEfmt ",
    ],
    ids=["text", "stub", "GIF", "TIFF", "EPS", "WAVE"],
)
def test_other_files_are_not_taken(data: bytes) -> None:
    with pytest.raises(UnsupportedPicture):
        facts_of(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animated_pictures_are_not_taken_yet(kind: str) -> None:
    data = encoded(photo((9, 9)), kind, save_all=True, append_images=[photo((9, 9)).rotate(90)])
    for read in (probe, open_picture):
        with pytest.raises(UnsupportedPicture, match="Animated"):
            read(BytesIO(data), MAX_PIXELS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_limit_of_pixels_is_told(kind: str) -> None:
    data = encoded(photo((40, 30)), kind)
    assert facts_of(data, 1200).width == 40
    with pytest.raises(TooManyPixels) as caught:
        facts_of(data, 1199)
    assert "1,200" in caught.value.detail
    assert "1,199" in caught.value.detail


@pytest.mark.parametrize("read", [probe, open_picture])
def test_a_webp_bomb_is_refused_before_pillow_sees_it(
    read: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("PIL.Image.open", None)  # calling it would be the bomb
    canvas = (12_999).to_bytes(3, "little")
    bomb = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + canvas
    assert callable(read)
    with pytest.raises(TooManyPixels):
        read(BytesIO(bomb), MAX_PIXELS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_header_that_is_cut_short_is_broken(kind: str) -> None:
    data = encoded(photo((40, 30)), kind)
    with pytest.raises(BrokenPicture):
        facts_of(data[:20])


def test_a_jpeg_of_twelve_bits_is_broken_not_a_crash() -> None:
    data = encoded(photo((8, 8)), "JPEG")
    at = data.index(b"\xff\xc0") + 4
    with pytest.raises(BrokenPicture):
        facts_of(data[:at] + b"\x0c" + data[at + 1 :])


@pytest.mark.parametrize(
    "stuffing",
    [b"\0" * 30_000_000, b"\xff\xfe\0\2" * 1_000_000, b"\xff\xfe\xff\xff" + b"x" * 65_533],
    ids=["zeros", "empty comments", "large comments"],
)
def test_a_stuffed_header_costs_little(stuffing: bytes) -> None:
    if len(stuffing) < 100_000:
        stuffing *= 400
    data = encoded(photo((8, 8)), "JPEG")
    started = time.process_time()
    with pytest.raises(BrokenPicture):
        facts_of(data[:20] + stuffing + data[20:])
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pillow_never_tries_another_format(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.Image.init", lambda: pytest.fail("Pillow loads all its formats"))
    data = encoded(photo((40, 30)), kind)
    assert open_picture(BytesIO(data), MAX_PIXELS)[1].width == 40
    with pytest.raises(BrokenPicture):
        open_picture(BytesIO(data[:22]), MAX_PIXELS)


def test_a_text_chunk_can_not_pose_as_exif() -> None:
    data = png_with(encoded(photo((8, 8)), "PNG"), (b"zTXt", b"exif\0\0" + b"x\x9c\x03\0\0\0\0\1"))
    assert facts_of(data).orientation == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_hostile_headers_raise_picture_errors_only(kind: str) -> None:
    data = encoded(photo((8, 8)), kind, exif=exif_with_thumbnail(b"x" * 20, 6))
    for at in range(len(data)):
        for value in (0, 0x7F, 0xFF):
            try:
                facts = facts_of(data[:at] + bytes([value]) + data[at + 1 :])
            except PictureError:
                continue
            assert facts.width * facts.height <= MAX_PIXELS


def test_a_malformed_mpf_segment_makes_no_noise() -> None:
    data = encoded(photo((8, 8)), "JPEG")
    segment = b"MPF\0II*\0" + struct.pack("<I", 8) + b"\xff\xff"
    mpf = b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment
    assert facts_of(data[:2] + mpf + data[2:]).format == "JPEG"
