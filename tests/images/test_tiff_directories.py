"""Of a TIFF's directories what can be read is kept, and the rest reported."""

import struct
import tracemalloc

import pytest

from media_processor.images.exif import PREVIEWS
from media_processor.images.probe import probe

from .conftest import ApplyWatermark
from .pictures import LIMITS, opened
from .tiffs import directory, ramps, read_tags, tiff

SIZE = (123, 90)


def exif_of(data: bytes) -> object:
    return opened(data).getexif().get_ifd(0x8769).get(0x9003)


def with_exif(kind: int, inside: bytes | None = None, pointer: int = 34665) -> bytes:
    """A directory with DateTimeOriginal, whose ``pointer`` has the type ``kind``."""
    plain = tiff(ramps(SIZE, 3, 255, "u1"))
    made = directory("<", {0x9003: tuple(b"2026:01:01 00:00:01\0")}, {0x9003: 2}, 0, big=False)
    at = len(plain) + 100  # the pointer makes the first directory longer
    made = (
        inside
        if inside is not None
        else directory("<", {0x9003: tuple(b"2026:01:01 00:00:01\0")}, {0x9003: 2}, at, big=False)
    )
    whole = tiff(ramps(SIZE, 3, 255, "u1"), tags={pointer: (at,)}, kinds={pointer: kind})
    return whole.ljust(at, b"\0") + made


@pytest.mark.parametrize("kind", [4, 13])
def test_exif_stays_whatever_type_its_pointer_has(
    kind: int, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(with_exif(kind))
    assert exif_of(out) == "2026:01:01 00:00:01"
    assert not made.notes
    position, _ = apply_watermark(with_exif(kind, pointer=34853))
    assert read_tags(position, read_tags(position)[34853][0]).keys() == {0x9003}


@pytest.mark.parametrize(
    "inside", [b"\0\0\0\0\0\0", b"\xff\xff" * 20, b""], ids=["empty", "damaged", "beyond the end"]
)
def test_exif_that_can_not_be_read_is_dropped_with_a_note(
    inside: bytes, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(with_exif(4, inside))
    assert 34665 not in read_tags(out)
    assert any("EXIF was dropped" in note for note in made.notes)


def test_a_damaged_tag_is_dropped_with_a_note(apply_watermark: ApplyWatermark) -> None:
    data = tiff(ramps(SIZE, 3, 255, "u1"), tags={700: (1, 2, 3, 4, 5), 305: tuple(b"ok\0")})
    at = data.index((700).to_bytes(2, "little") + b"\x03\0")
    out, made = apply_watermark(data[: at + 8] + b"\xff\xff\xff\x7f" + data[at + 12 :])
    assert 700 not in read_tags(out)
    assert 305 in read_tags(out)
    assert "1 damaged tag dropped" in made.notes


def test_previews_are_dropped_with_a_note(apply_watermark: ApplyWatermark) -> None:
    data = tiff(ramps(SIZE, 3, 255, "u1"), tags={330: (8,)})
    assert PREVIEWS in apply_watermark(data)[1].notes


def test_a_maker_note_that_is_moved_is_noted(apply_watermark: ApplyWatermark) -> None:
    inside = directory(
        "<", {0x927C: tuple(b"Nikon\0")}, {0x927C: 7}, len(with_exif(4, b"")), big=False
    )
    data, made = apply_watermark(with_exif(4, inside))
    assert "the camera's maker note was moved: some programs may not read all of it" in made.notes
    assert b"Nikon" in data


def test_tags_that_share_their_bytes_take_little_memory() -> None:
    plain, size = tiff(ramps(SIZE, 1, 255, "u1"), photometric=1), 1_000_000
    (at,) = struct.unpack_from("<I", plain, 4)
    (count,) = struct.unpack_from("<H", plain, at)
    entries = plain[at + 2 : at + 2 + 12 * count]
    entries += b"".join(struct.pack("<HHII", 40_000 + n, 7, size, 8) for n in range(100))
    data = plain[:4] + struct.pack("<I", len(plain) + size) + plain[8:] + bytes(size)
    data += struct.pack("<H", count + 100) + entries + bytes(4)
    tracemalloc.start()
    try:
        info = probe(data, LIMITS)
        assert (info.width, info.height) == SIZE
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data)
    finally:
        tracemalloc.stop()
