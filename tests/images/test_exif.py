"""EXIF is edited in place: the thumbnail goes, everything else stays where it was."""

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from media_processor.images import exif

from .pictures import encoded, orientation_exif, photo
from .pictures import exif_with_thumbnail as with_prefix

THUMBNAIL = encoded(photo((40, 30)), "JPEG")


def exif_with_thumbnail(thumbnail: bytes, orientation: int = 1, tail: bytes = b"") -> bytes:
    return with_prefix(thumbnail, orientation, tail).removeprefix(exif.PREFIX)


def parsed(payload: bytes) -> Image.Exif:
    found = Image.Exif()
    found.load(payload)
    return found


@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
@pytest.mark.parametrize("value", range(1, 9))
def test_the_orientation_is_read(value: int, prefix: bytes) -> None:
    payload = prefix + orientation_exif(value).removeprefix(b"Exif\0\0")
    assert exif.orientation(payload) == value


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_invalid_orientation_is_upright(value: int) -> None:
    assert exif.orientation(orientation_exif(value)) == 1


@pytest.mark.parametrize("value", range(1, 9))
def test_the_smallest_exif_tells_the_orientation(value: int) -> None:
    payload = exif.only_orientation(value)
    assert parsed(payload)[0x0112] == value
    assert exif.orientation(payload) == value
    assert exif.without_thumbnail(payload) == payload


def test_a_thumbnail_at_the_end_is_cut_off() -> None:
    payload = exif_with_thumbnail(THUMBNAIL, orientation=6)
    clean = exif.without_thumbnail(payload)
    assert THUMBNAIL not in clean
    assert b"\xff\xd8" not in clean
    assert len(clean) == payload.index(b"place") + len(b"place")
    assert not parsed(clean).get_ifd(ExifTags.IFD.IFD1)


def test_a_thumbnail_in_the_middle_is_blanked_and_nothing_moves() -> None:
    payload = exif_with_thumbnail(THUMBNAIL, tail=b"what follows stays")
    clean = exif.without_thumbnail(payload)
    assert len(clean) == len(payload)
    ifd1 = payload.index(b"place") + len(b"place")
    image = payload.index(THUMBNAIL)
    link = 8 + 2 + 24
    assert clean[link : link + 4] == bytes(4)
    assert not any(clean[ifd1 : image + len(THUMBNAIL)])
    assert clean[:link] == payload[:link]
    assert clean[link + 4 : ifd1] == payload[link + 4 : ifd1]
    assert clean.endswith(b"what follows stays")


def test_an_uncompressed_thumbnail_is_blanked() -> None:
    pixels = b"RAWPIXELS" * 4
    ifd1, strips = 14, 14 + 2 + 24 + 4
    values = strips + 16
    payload = b"".join(
        [
            struct.pack("<2sHIHI", b"II", 42, 8, 0, ifd1),
            struct.pack("<H", 2),
            struct.pack("<HHII", 0x0111, 4, 2, strips),
            struct.pack("<HHII", 0x0117, 4, 2, strips + 8),
            struct.pack("<I", 0),
            struct.pack("<4I", values, values + 18, 18, 18),
            pixels,
        ]
    )
    clean = exif.without_thumbnail(payload)
    assert clean
    assert b"RAW" not in clean


def test_exif_without_a_thumbnail_stays_as_it_is() -> None:
    payload = orientation_exif(3).removeprefix(exif.PREFIX)
    assert exif.without_thumbnail(payload) == payload


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"Exif\0\0",
        b"rubbish that hides a thumbnail" + THUMBNAIL,
        exif_with_thumbnail(THUMBNAIL)[:60],
        exif_with_thumbnail(THUMBNAIL)[:70] + b"\xff" * 30,
    ],
    ids=["nothing", "prefix only", "not TIFF", "cut short", "overwritten"],
)
def test_damaged_exif_is_dropped(damaged: bytes) -> None:
    assert exif.without_thumbnail(damaged) == b""


def test_a_loop_of_directories_is_dropped() -> None:
    loop = struct.pack("<2sHIHIHI", b"II", 42, 8, 0, 14, 0, 14)
    assert exif.without_thumbnail(loop) == b""


def test_a_thumbnail_that_claims_the_main_directory_is_dropped() -> None:
    payload = bytearray(exif_with_thumbnail(THUMBNAIL))
    at = payload.index(struct.pack(">HHI", 0x0201, 4, 1)) + 8
    payload[at : at + 4] = struct.pack(">I", 0)
    assert exif.without_thumbnail(bytes(payload)) == b""


@given(st.data())
def test_nothing_is_raised_over_damage(data: st.DataObject) -> None:
    payload = bytearray(exif_with_thumbnail(THUMBNAIL[:200]))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] = data.draw(st.integers(0, 255))
    damaged = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    assert len(exif.without_thumbnail(damaged)) <= len(damaged)
    assert 1 <= exif.orientation(damaged) <= 8


def test_pillow_reads_what_is_left() -> None:
    clean = exif.without_thumbnail(exif_with_thumbnail(THUMBNAIL, orientation=6))
    picture = Image.open(BytesIO(encoded(photo((16, 16)), "JPEG", exif=exif.PREFIX + clean)))
    assert picture.getexif()[0x0112] == 6
    assert picture.getexif()[0x010E] == "MAKERNOTE at a fixed place"
