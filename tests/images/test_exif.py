"""EXIF is edited in place: the thumbnail goes, everything else stays where it was."""

import struct
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from media_processor.images import exif, exif_writer

from .hdr_files import camera_exif
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
    assert exif.without_previews(payload) == (payload, ())


def test_a_thumbnail_at_the_end_is_cut_off() -> None:
    payload = exif_with_thumbnail(THUMBNAIL, orientation=6)
    clean = exif.without_previews(payload).payload
    assert THUMBNAIL not in clean
    assert b"\xff\xd8" not in clean
    assert len(clean) == payload.index(b"place") + len(b"place")
    assert not parsed(clean).get_ifd(ExifTags.IFD.IFD1)


def test_a_thumbnail_in_the_middle_is_blanked_and_nothing_moves() -> None:
    payload = exif_with_thumbnail(THUMBNAIL, tail=b"what follows stays")
    clean = exif.without_previews(payload).payload
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
    clean = exif.without_previews(payload).payload
    assert clean
    assert b"RAW" not in clean


def test_exif_without_a_thumbnail_stays_as_it_is() -> None:
    payload = orientation_exif(3).removeprefix(exif.PREFIX)
    assert exif.without_previews(payload) == (payload, ())


@pytest.mark.parametrize(
    "damaged",
    [
        b"Exif\0\0",
        b"rubbish that hides a thumbnail" + THUMBNAIL,
        exif_with_thumbnail(THUMBNAIL)[:30],
        b"MM\0*\xff\xff\xff\xf0" + bytes(40),
    ],
    ids=["prefix only", "not TIFF", "cut short", "no directory"],
)
def test_exif_without_a_main_directory_is_dropped(damaged: bytes) -> None:
    assert exif.without_previews(damaged) == (b"", (exif.DAMAGED,))


@pytest.mark.parametrize("link", [0x48000000, 0xFFFFFFF0, 8, 9, 63])
def test_a_link_that_leads_nowhere_is_dropped_alone(link: int) -> None:
    payload = bytearray(exif_with_thumbnail(b"", orientation=6))
    payload[34:38] = link.to_bytes(4)
    clean, notes = exif.without_previews(bytes(payload))
    assert parsed(clean)[0x0112] == 6
    assert parsed(clean)[0x010E] == "MAKERNOTE at a fixed place"
    assert clean[34:38] == bytes(4)
    assert exif.DAMAGED not in notes


@pytest.mark.parametrize("tag", [0x0201, 0x0202])
def test_a_thumbnail_beyond_the_end_goes_as_far_as_it_is_there(tag: int) -> None:
    payload = bytearray(exif_with_thumbnail(THUMBNAIL, orientation=6))
    at = payload.index(struct.pack(">HHI", tag, 4, 1)) + 8
    payload[at : at + 4] = struct.pack(">I", 0x00100000)
    clean, notes = exif.without_previews(bytes(payload))
    assert notes == (exif.PREVIEWS,)
    assert parsed(clean)[0x010E] == "MAKERNOTE at a fixed place"
    assert b"\xff\xd8" not in clean


def test_a_preview_behind_the_maker_note_goes_alone() -> None:
    clean, notes = exif.without_previews(camera_exif(b"the maker's note", THUMBNAIL))
    found = parsed(clean).get_ifd(ExifTags.IFD.Exif)
    assert found[0x927C] == b"the maker's note"
    assert found[0x9286].endswith(b"a comment")
    assert b"\xff\xd8\xff" not in clean
    assert notes == (exif.PREVIEWS,)


def test_a_maker_note_with_a_preview_goes_whole() -> None:
    clean, notes = exif.without_previews(camera_exif(b"note" + THUMBNAIL + b"note"))
    found = parsed(clean).get_ifd(ExifTags.IFD.Exif)
    assert 0x927C not in found
    assert found[0x9286].endswith(b"a comment")
    assert THUMBNAIL[20:60] not in clean
    assert notes == (exif.MAKER_NOTE,)


def test_a_pointer_into_a_preview_costs_the_preview_alone() -> None:
    payload = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x8769, 4, 1, 26, 0)
    payload += struct.pack("<HHHIII", 1, 0xA005, 4, 1, 44, 0) + b"\5\0" + THUMBNAIL
    clean, notes = exif.without_previews(payload)
    assert clean.startswith(payload[:44])
    assert b"\xff\xd8\xff" not in clean
    assert notes == (exif.PREVIEWS,)


def test_a_loop_of_directories_ends() -> None:
    loop = struct.pack("<2sHIHIHI", b"II", 42, 8, 0, 14, 0, 14)
    assert exif.without_previews(loop).payload[:14] == loop[:10] + bytes(4)


def test_a_thumbnail_that_claims_the_main_directory_leaves_it() -> None:
    payload = bytearray(exif_with_thumbnail(THUMBNAIL))
    at = payload.index(struct.pack(">HHI", 0x0201, 4, 1)) + 8
    payload[at : at + 4] = struct.pack(">I", 0)
    clean = exif.without_previews(bytes(payload)).payload
    assert parsed(clean)[0x010E] == "MAKERNOTE at a fixed place"
    assert b"\xff\xd8\xff" not in clean


def test_the_position_goes_also_where_it_is_damaged() -> None:
    made = Image.Exif()
    made[0x010F] = "Cam"
    made[0x8825] = {1: "N", 2: (47.0, 22.0, 3.0)}
    payload = made.tobytes().removeprefix(exif.PREFIX)
    gps = struct.pack(">HHI", 2, 5, 3)
    at = payload.index(gps) + len(gps)
    damaged = payload[:at] + b"\xff\xff\xff\xf0" + payload[at + 4 :]
    for each in (payload, damaged):
        clean = exif.without_gps(each)
        assert parsed(clean)[0x010F] == "Cam"
        assert 0x8825 not in parsed(clean)
        assert gps not in clean


def test_exif_that_is_too_large_loses_the_maker_note_first() -> None:
    payload = camera_exif(bytes(range(256)) * 300)
    found, notes = exif_writer.fit(payload, 65_527)
    assert len(found) < 200
    assert parsed(found)[0x010F] == "Cam"
    assert parsed(found).get_ifd(ExifTags.IFD.Exif)[0x9286].endswith(b"a comment")
    assert notes == ("the camera's maker note was dropped: EXIF is too large for this format",)
    assert exif_writer.fit(found, 65_527) == (found, ())


def test_exif_that_is_still_too_large_loses_its_largest_values() -> None:
    made = Image.Exif()
    made[0x010F] = "Cam"
    made[0x010E] = "x" * 70_000
    made[0x8825] = {1: "N", 2: (47.0, 22.0, 3.0)}
    found, notes = exif_writer.fit(made.tobytes().removeprefix(exif.PREFIX), 65_527)
    assert parsed(found)[0x010F] == "Cam"
    assert parsed(found).get_ifd(0x8825)[1] == "N"
    assert 0x010E not in parsed(found)
    assert notes == ("the largest values of EXIF were dropped: it is too large for this format",)


@given(st.data())
def test_nothing_is_raised_over_damage(data: st.DataObject) -> None:
    payload = bytearray(exif_with_thumbnail(THUMBNAIL[:200]))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at] = data.draw(st.integers(0, 255))
    damaged = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    assert len(exif.without_previews(damaged).payload) <= len(damaged)
    assert 1 <= exif.orientation(damaged) <= 8


def test_pillow_reads_what_is_left() -> None:
    clean = exif.without_previews(exif_with_thumbnail(THUMBNAIL, orientation=6)).payload
    picture = Image.open(BytesIO(encoded(photo((16, 16)), "JPEG", exif=exif.PREFIX + clean)))
    assert picture.getexif()[0x0112] == 6
    assert picture.getexif()[0x010E] == "MAKERNOTE at a fixed place"
