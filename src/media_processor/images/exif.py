"""Just enough EXIF: read the orientation, remove previews and the GPS position.

Format: EXIF 2.32 section 4.5, which is TIFF 6.0. An image file directory (IFD) is a count
(2 bytes), entries of 12 bytes (tag, type, count, value or its offset) and the offset of
the next IFD. IFD0 describes the picture, IFD1 about the thumbnail. The bytes are kept
in place because MakerNotes hold absolute offsets.

A payload is what follows ``Exif\\0\\0``; with that prefix it is understood as well.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PREFIX = b"Exif\0\0"

_ORIENTATION = 0x0112
_JPEG = (0x0201, 0x0202)  # offset and length of a compressed thumbnail
_STRIPS = (0x0111, 0x0117)  # offsets and lengths of an uncompressed one
_SHORT, _LONG = 3, 4
_MOST_IFDS = 8  # IFD0 and IFD1 are the standard's; a longer chain is a loop or an attack

_EXIF_IFD, _GPS_IFD, _MAKER_NOTE = 0x8769, 0x8825, 0x927C
_JPEG_START = b"\xff\xd8\xff"

# Bytes a value takes by its type, 1 (BYTE) to 12 (DOUBLE).
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8)

Range = tuple[int, int]


class _Entry(NamedTuple):
    tag: int
    kind: int
    length: int
    at: int


class _Tiff:
    """A TIFF structure in memory. Reading beyond its end raises struct.error."""

    def __init__(self, data: bytes) -> None:
        if data[:4] not in (b"II*\0", b"MM\0*"):
            raise ValueError("not TIFF")
        self.data = bytearray(data)
        self.order = "<" if data[:1] == b"I" else ">"

    def number(self, kind: int, at: int) -> int:
        (value,) = struct.unpack_from(self.order + ("H" if kind == _SHORT else "I"), self.data, at)
        return int(value)

    def entries(self, ifd: int) -> Iterator[_Entry]:
        for index in range(self.number(_SHORT, ifd)):
            at = ifd + 2 + 12 * index
            tag, kind, length = struct.unpack_from(self.order + "HHI", self.data, at)
            yield _Entry(tag, kind, length, at + 8)

    def link(self, ifd: int) -> int:
        return ifd + 2 + 12 * self.number(_SHORT, ifd)

    def numbers(self, entry: _Entry) -> list[int]:
        if entry.kind not in (_SHORT, _LONG):
            raise ValueError("not a number")
        size = 2 if entry.kind == _SHORT else 4
        start = entry.at if entry.length * size <= 4 else self.number(_LONG, entry.at)
        if start + entry.length * size > len(self.data):
            raise ValueError("values beyond the end")
        return [self.number(entry.kind, start + size * i) for i in range(entry.length)]

    def value(self, entry: _Entry) -> Range:
        size = entry.length * (_SIZES[entry.kind] if entry.kind < len(_SIZES) else 1)
        start = entry.at if size <= 4 else self.number(_LONG, entry.at)
        if start + size > len(self.data):
            raise ValueError("a value beyond the end")
        return start, start + size

    def find(self, ifd: int, tag: int) -> _Entry | None:
        return next((entry for entry in self.entries(ifd) if entry.tag == tag), None)

    def blank(self, start: int, stop: int) -> None:
        if start < 8:
            raise ValueError("an offset into the header")
        stop = min(stop, len(self.data))
        self.data[start:stop] = bytes(max(0, stop - start))

    def images(self, ifd: int, tags: tuple[int, int]) -> list[Range]:
        """``tags`` are that of the offsets, then that of the lengths."""
        found = {entry.tag: entry for entry in self.entries(ifd) if entry.tag in tags}
        if len(found) < 2:
            return []
        starts, sizes = (self.numbers(found[tag]) for tag in tags)
        return [(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, in an EXIF payload with or without ``Exif\\0\\0``.

    1 where there is none or it can't be read.
    """
    try:
        tiff = _Tiff(exif.removeprefix(PREFIX))
        for entry in tiff.entries(tiff.number(_LONG, 4)):
            if entry.tag == _ORIENTATION and entry.kind == _SHORT:
                value = tiff.number(_SHORT, entry.at)
                return value if 1 <= value <= 8 else 1
    except (ValueError, struct.error):
        pass
    return 1


def only_orientation(value: int) -> bytes:
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, _SHORT, 1, value, 0, 0)


def make_upright(exif: bytes) -> bytes:
    """Damaged EXIF comes back as ``b""``."""
    try:
        tiff = _Tiff(exif.removeprefix(PREFIX))
        entry = tiff.find(tiff.number(_LONG, 4), _ORIENTATION)
        if entry and entry.kind == _SHORT:
            struct.pack_into(tiff.order + "H", tiff.data, entry.at, 1)
    except (ValueError, struct.error):
        return b""
    return bytes(tiff.data)


def without_thumbnail(exif: bytes) -> bytes:
    """An EXIF payload without previews, which would show the unwatermarked picture.

    IFD1 is unlinked, it and its image are blanked (cut off where they are the payload's
    end); so is a MakerNote with a JPEG in it. Every other byte stays in its place. Damaged
    EXIF, in which a preview could hide, comes back as ``b""``.
    """
    try:
        tiff = _Tiff(exif.removeprefix(PREFIX))
        end = _blank_thumbnail(tiff)
        if _JPEG_START in tiff.data:
            _blank_maker_note(tiff)
    except (ValueError, struct.error):
        return b""
    cleaned = bytes(tiff.data[:end])
    return b"" if _JPEG_START in cleaned else cleaned


def without_gps(exif: bytes) -> bytes:
    """The GPS directory is unlinked and blanked. Damaged EXIF comes back as ``b""``."""
    try:
        tiff = _Tiff(exif.removeprefix(PREFIX))
        ifd0 = tiff.number(_LONG, 4)
        while pointer := tiff.find(ifd0, _GPS_IFD):
            gps = tiff.number(_LONG, pointer.at)
            _remove(tiff, ifd0, pointer)
            for entry in list(tiff.entries(gps)):
                tiff.blank(*tiff.value(entry))
            tiff.blank(gps, tiff.link(gps))
    except (ValueError, struct.error):
        return b""
    return bytes(tiff.data)


def _blank_thumbnail(tiff: _Tiff) -> int:
    """Returns where the payload may now end."""
    ifd0 = tiff.number(_LONG, 4)
    link = tiff.link(ifd0)
    ranges = tiff.images(ifd0, _JPEG)
    for ifd in _chain(tiff, tiff.number(_LONG, link)):
        ranges += [*tiff.images(ifd, _JPEG), *tiff.images(ifd, _STRIPS)]
        ranges.append((ifd, tiff.link(ifd) + 4))
    for start, stop in ranges:
        if start < link + 4 and stop > ifd0:
            raise ValueError("a thumbnail over the main directory")
        tiff.blank(start, stop)
    struct.pack_into("4x", tiff.data, link)
    return _end_before(ranges, len(tiff.data))


def _blank_maker_note(tiff: _Tiff) -> None:
    pointer = tiff.find(tiff.number(_LONG, 4), _EXIF_IFD)
    note = tiff.find(tiff.number(_LONG, pointer.at), _MAKER_NOTE) if pointer else None
    if note:
        tiff.blank(*tiff.value(note))


def _remove(tiff: _Tiff, ifd: int, entry: _Entry) -> None:
    # The entries behind it and the link move up.
    end = tiff.link(ifd) + 4
    following = entry.at + 4
    tiff.data[following - 12 : end] = tiff.data[following:end] + bytes(12)
    struct.pack_into(tiff.order + "H", tiff.data, ifd, tiff.number(_SHORT, ifd) - 1)


def _chain(tiff: _Tiff, ifd: int) -> list[int]:
    chain: list[int] = []
    while ifd:
        if len(chain) == _MOST_IFDS:
            raise ValueError("too many directories")
        chain.append(ifd)
        ifd = tiff.number(_LONG, tiff.link(ifd))
    return chain


def _end_before(ranges: list[Range], end: int) -> int:
    for start, stop in sorted(ranges, key=lambda item: item[1], reverse=True):
        if stop < end:
            break
        end = min(start, end)
    return end
