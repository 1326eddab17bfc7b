"""Just enough EXIF: read the orientation, remove previews and the GPS position.

Format: EXIF 2.32 section 4.5, which is TIFF 6.0. An image file directory (IFD) is a count
(2 bytes), entries of 12 bytes (tag, type, count, value or its offset) and the offset of
the next IFD. IFD0 describes the picture, IFD1 the thumbnail. The bytes are kept in place
because MakerNotes hold absolute offsets.

A payload is what follows ``Exif\\0\\0``; with that prefix it is understood as well.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

PREFIX = b"Exif\0\0"
HEADERS = (b"II*\0", b"MM\0*")

DAMAGED = "EXIF was dropped: it is damaged"
PREVIEWS = "previews were removed: they show the picture without the watermark"
MAKER_NOTE = "the camera's maker note was dropped: it has a preview without the watermark"

_ORIENTATION = 0x0112
_JPEG = (0x0201, 0x0202)  # offset and length of a compressed thumbnail
_STRIPS = (0x0111, 0x0117)  # offsets and lengths of an uncompressed one
_SHORT, _LONG = 3, 4
_MOST_IFDS = 8  # IFD0 and IFD1 are the standard's; a longer chain is a loop or an attack
_MOST_ENTRIES = 1000  # a camera writes some 60

EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD, MAKER_NOTE_TAG = 0x8769, 0x8825, 0xA005, 0x927C
_JPEG_START = b"\xff\xd8\xff"

# Bytes a value takes by its type, 1 (BYTE) to 13 (IFD).
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)

Range = tuple[int, int]


class Entry(NamedTuple):
    tag: int
    kind: int
    length: int
    at: int


class Tiff:
    """A TIFF structure in memory. Reading beyond its end raises struct.error."""

    def __init__(self, data: bytes) -> None:
        if data[:4] not in HEADERS:
            raise ValueError("not TIFF")
        self.data = bytearray(data)
        self.order = "<" if data[:1] == b"I" else ">"

    def number(self, kind: int, at: int) -> int:
        (value,) = struct.unpack_from(self.order + ("H" if kind == _SHORT else "I"), self.data, at)
        return int(value)

    def main(self) -> int:
        """Where IFD0 begins, which must be whole."""
        ifd = self.number(_LONG, 4)
        if not self.is_directory(ifd):
            raise ValueError("no main directory")
        return ifd

    def is_directory(self, ifd: int) -> bool:
        if not 8 <= ifd <= len(self.data) - 2:
            return False
        return self.number(_SHORT, ifd) <= _MOST_ENTRIES and self.link(ifd) <= len(self.data)

    def directories(self) -> dict[int, int]:
        """IFD0 and those it points to, which describe the picture: where each begins, by its tag;
        IFD0's is 0."""
        found = {0: self.main()}
        for parent, tag in (
            (0, EXIF_IFD),
            (0, GPS_IFD),
            (EXIF_IFD, INTEROPERABILITY_IFD),
        ):
            pointer = self.find(found[parent], tag) if parent in found else None
            at = self.number(_LONG, pointer.at) if pointer else 0
            # A wrong pointer may lead into a preview, which must not be taken for a directory.
            if self.is_directory(at) and _JPEG_START not in self.data[slice(*self.extent(at))]:
                found[tag] = at
        return found

    def entries(self, ifd: int) -> Iterator[Entry]:
        for index in range(self.number(_SHORT, ifd)):
            at = ifd + 2 + 12 * index
            tag, kind, length = struct.unpack_from(self.order + "HHI", self.data, at)
            yield Entry(tag, kind, length, at + 8)

    def link(self, ifd: int) -> int:
        return ifd + 2 + 12 * self.number(_SHORT, ifd)

    def following(self, ifd: int) -> int:
        """The offset of the next directory, 0 for none; some writers leave it out."""
        link = self.link(ifd)
        return self.number(_LONG, link) if link + 4 <= len(self.data) else 0

    def extent(self, ifd: int) -> Range:
        return ifd, min(self.link(ifd) + 4, len(self.data))

    def numbers(self, entry: Entry) -> list[int]:
        if entry.kind not in (_SHORT, _LONG) or entry.length > _MOST_ENTRIES:
            raise ValueError("not a few numbers")
        size = 2 if entry.kind == _SHORT else 4
        start = entry.at if entry.length * size <= 4 else self.number(_LONG, entry.at)
        return [self.number(entry.kind, start + size * i) for i in range(entry.length)]

    def value(self, entry: Entry) -> Range:
        size = entry.length * (_SIZES[entry.kind] if entry.kind < len(_SIZES) else 1)
        start = entry.at if size <= 4 else self.number(_LONG, entry.at)
        if start + size > len(self.data):
            raise ValueError("a value beyond the end")
        return start, start + size

    def values(self, ifd: int) -> Iterator[tuple[Entry, Range]]:
        """The entries whose values lie elsewhere, within the data."""
        for entry in self.entries(ifd):
            try:
                start, stop = self.value(entry)
            except ValueError:
                continue
            if start != entry.at:
                yield entry, (start, stop)

    def find(self, ifd: int, tag: int) -> Entry | None:
        return next((entry for entry in self.entries(ifd) if entry.tag == tag), None)

    def blank(self, part: Range, but: list[Range]) -> list[Range]:
        """Zeros for what doesn't lie in ``but``; returns what was blanked."""
        pieces = [(max(8, part[0]), min(part[1], len(self.data)))]
        for start, stop in but:
            halves = (((a, min(b, start)), (max(a, stop), b)) for a, b in pieces)
            pieces = [piece for pair in halves for piece in pair if piece[0] < piece[1]]
        for start, stop in pieces:
            self.data[start:stop] = bytes(max(0, stop - start))
        return [piece for piece in pieces if piece[0] < piece[1]]

    def images(self, ifd: int, tags: tuple[int, int]) -> list[Range]:
        """``tags`` are that of the offsets, then that of the lengths."""
        found = {entry.tag: entry for entry in self.entries(ifd) if entry.tag in tags}
        if len(found) < 2:
            return []
        try:
            starts, sizes = (self.numbers(found[tag]) for tag in tags)
        except (ValueError, struct.error):
            return []
        return [(start, start + size) for start, size in zip(starts, sizes, strict=False)]


def orientation(exif: bytes) -> int:
    """The orientation, 1 to 8, in an EXIF payload with or without ``Exif\\0\\0``.

    1 where there is none or it can't be read.
    """
    try:
        tiff = Tiff(exif.removeprefix(PREFIX))
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
    return turn(exif, 1)


def turn(exif: bytes, orientation: int) -> bytes:
    """Write another orientation over the one that ``exif`` has, if it has one.

    Damaged EXIF, of which no orientation can be read, comes back as it was.
    """
    try:
        tiff = Tiff(exif.removeprefix(PREFIX))
        entry = tiff.find(tiff.number(_LONG, 4), _ORIENTATION)
        if entry and entry.kind == _SHORT:
            struct.pack_into(tiff.order + "H", tiff.data, entry.at, orientation)
    except (ValueError, struct.error):
        return exif
    return bytes(tiff.data)


class Cleaned(NamedTuple):
    """``notes`` say what of the payload is gone."""

    payload: bytes
    notes: tuple[str, ...] = ()


def without_previews(exif: bytes) -> Cleaned:
    """An EXIF payload without previews, which would show the unwatermarked picture.

    IFD1 is unlinked, it and its image are blanked (cut off where they are the payload's end).
    So is what else begins like a JPEG; a value that holds one, such as a MakerNote, goes. Every
    other byte stays in its place. A link or length that leads beyond the end is ignored.
    """
    if not exif:
        return Cleaned(b"")
    try:
        tiff = Tiff(exif.removeprefix(PREFIX))
        directories = tiff.directories()
        blanked = _blank_thumbnails(tiff, directories)
        more, removed = _blank_jpegs(tiff, directories)
    except (ValueError, struct.error):
        return Cleaned(b"", (DAMAGED,))
    cleaned = bytes(tiff.data[: _end_before([*blanked, *more], len(tiff.data))])
    if _JPEG_START in cleaned:
        return Cleaned(b"", (DAMAGED,))
    notes = (PREVIEWS,) if blanked or more or removed - {MAKER_NOTE_TAG} else ()
    return Cleaned(cleaned, notes + ((MAKER_NOTE,) if MAKER_NOTE_TAG in removed else ()))


def without_gps(exif: bytes) -> bytes:
    """The GPS directory is unlinked and blanked. Damaged EXIF comes back as ``b""``."""
    try:
        tiff = Tiff(exif.removeprefix(PREFIX))
        main = tiff.main()
        while pointer := tiff.find(main, GPS_IFD):
            gps = tiff.number(_LONG, pointer.at)
            _remove(tiff, main, pointer)
            if tiff.is_directory(gps):
                kept = [tiff.extent(ifd) for ifd in tiff.directories().values() if ifd != gps]
                for _, span in list(tiff.values(gps)):
                    tiff.blank(span, kept)
                tiff.blank((gps, tiff.link(gps)), kept)
    except (ValueError, struct.error):
        return b""
    return bytes(tiff.data)


def _blank_thumbnails(tiff: Tiff, directories: dict[int, int]) -> list[Range]:
    """Returns what was blanked of IFD1 and of the images that the directories name."""
    main = directories[0]
    kept = [tiff.extent(ifd) for ifd in directories.values()]
    kept += [
        span
        for ifd in directories.values()
        for entry, span in tiff.values(ifd)
        if entry.tag != MAKER_NOTE_TAG
    ]
    ranges = tiff.images(main, _JPEG)
    for ifd in _chain(tiff, main):
        ranges += [*tiff.images(ifd, _JPEG), *tiff.images(ifd, _STRIPS), tiff.extent(ifd)]
    if tiff.link(main) + 4 <= len(tiff.data):
        struct.pack_into("4x", tiff.data, tiff.link(main))
    return [piece for part in ranges for piece in tiff.blank(part, kept)]


def _blank_jpegs(tiff: Tiff, directories: dict[int, int]) -> tuple[list[Range], set[int]]:
    """Returns what was blanked, and the tags of the values that were removed."""
    main = [tiff.extent(ifd) for ifd in directories.values()]
    values = [(ifd, *pair) for ifd in directories.values() for pair in tiff.values(ifd)]
    kept = [*main, *(span for _, _, span in values)]
    blanked: list[Range] = []
    removed: set[tuple[int, Entry]] = set()
    at = -1
    while (at := tiff.data.find(_JPEG_START, at + 1)) >= 0:
        if any(start <= at < stop for start, stop in main):
            continue
        holders = [holder for holder in values if holder[2][0] <= at < holder[2][1]]
        for ifd, entry, span in holders:
            tiff.blank(span, main)
            removed.add((ifd, entry))
        if not holders:
            stop = min((start for start, _ in kept if start > at), default=len(tiff.data))
            blanked += tiff.blank((at, stop), [])
    for ifd, entry in sorted(removed, key=lambda pair: -pair[1].at):
        _remove(tiff, ifd, entry)
    return blanked, {entry.tag for _, entry in removed}


def _remove(tiff: Tiff, ifd: int, entry: Entry) -> None:
    # The entries behind it and the link move up.
    end = tiff.extent(ifd)[1]
    following = entry.at + 4
    tiff.data[following - 12 : end] = tiff.data[following:end] + bytes(12)
    struct.pack_into(tiff.order + "H", tiff.data, ifd, tiff.number(_SHORT, ifd) - 1)


def _chain(tiff: Tiff, main: int) -> list[int]:
    """The directories behind IFD0; a link that leads nowhere or back ends them."""
    chain, ifd = [main], tiff.following(main)
    while ifd not in chain and len(chain) < _MOST_IFDS and tiff.is_directory(ifd):
        chain.append(ifd)
        ifd = tiff.following(ifd)
    return chain[1:]


def _end_before(ranges: list[Range], end: int) -> int:
    for start, stop in sorted(ranges, key=lambda item: item[1], reverse=True):
        if stop < end:
            break
        end = min(start, end)
    return end
