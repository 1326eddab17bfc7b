"""TIFF 6.0: a chain of directories (IFDs), each with a page's tags and where its pixels lie."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from media_processor.errors import BrokenPicture, UnsupportedPicture
from media_processor.images.containers import Data
from media_processor.images.exif import PREVIEWS
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import CREDENTIALS as CREDENTIALS_NOTE
from media_processor.images.metadata import Metadata, note_trailer
from media_processor.limits import Limits

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS = 273, 274, 277, 278, 279
PLANAR, PREDICTOR, PALETTE, EXTRA = 284, 317, 320, 338
XMP, IPTC, PHOTOSHOP, EXIF_IFD, ICC, GPS_IFD = 700, 33723, 34377, 34665, 34675, 34853
CREDENTIALS = 52545  # C2PA 2.1, A.3.6
SHORT, LONG = 3, 4

_SUBFILE, _SUB_IFDS, _TILE_OFFSETS, _TILE_COUNTS = 254, 330, 324, 325
_SAMPLE_FORMAT, _JPEG_START, _INTEROPERABILITY = 339, 513, 40965
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
_METADATA = {XMP: "XMP", IPTC: "IPTC", PHOTOSHOP: "IPTC", ICC: "colour profile"}

# Photometric interpretations taken (262): grey, RGB, palette, CMYK, YCbCr.
_PHOTOMETRICS = (0, 1, 2, 3, 5, 6)
_MOST_TAGS = 1000

# Tags of the first page that describe its coded pixels, which are written anew.
PIXEL_TAGS = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR}
    | {PREDICTOR, PALETTE, EXTRA, _SAMPLE_FORMAT, _TILE_OFFSETS, _TILE_COUNTS, _JPEG_START}
    | {266, 292, 293, 322, 323}  # fill order, fax options, size of tiles
    | {347, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532}  # JPEG and YCbCr
)


@dataclass(frozen=True)
class Tag:
    """``count`` values of type ``kind`` (section 2), as they stand in the file."""

    kind: int
    count: int
    value: bytes


@dataclass(frozen=True)
class Page:
    """One directory. ``pixels`` are its strips or tiles; ``children`` EXIF and GPS."""

    tags: dict[int, Tag]
    pixels: tuple[bytes, ...]
    children: dict[int, "Page"]


def read_info(data: Data, limits: Limits) -> PictureInfo:
    tiff = _Tiff(data)
    size, turn, pages, pixels = (0, 0), 1, 0, 0
    for tags in tiff.directories(limits):
        width, height = tiff.number(tags, WIDTH), tiff.number(tags, HEIGHT)
        if not width or not height:
            raise BrokenPicture("The picture's header is damaged.")
        pages, pixels = pages + 1, pixels + width * height
        if pages == 1:
            size, turn = (width, height), tiff.number(tags, ORIENTATION, 1)
            _check_kind(tiff, tags)
            for tag, kind in _METADATA.items():
                if tag in tags:
                    limits.check_metadata(kind, len(tags[tag].value))
    if not pages:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    limits.check_pixels(pixels, f"{pages} pages")
    return PictureInfo("TIFF", *size, turn if 1 <= turn <= 8 else 1, pages)


def pages(data: Data, limits: Limits) -> list[Page]:
    """Previews are left out: reduced pictures (NewSubfileType 1) and sub-directories."""
    tiff = _Tiff(data)
    found: list[Page] = []
    for tags in tiff.directories(limits):
        if found and tiff.number(tags, _SUBFILE) & 1:
            continue
        children = {
            tag: Page(tiff.directory(tiff.number(tags, tag))[0], (), {})
            for tag in (EXIF_IFD, GPS_IFD)
            if tag in tags
        }
        for child in children.values():
            child.tags.pop(_INTEROPERABILITY, None)
        kept = {tag: value for tag, value in tags.items() if tag != _SUB_IFDS}
        found.append(Page(kept, tuple(tiff.pixels(tags)), children))
    return found


def read_metadata(data: Data, limits: Limits) -> Metadata:
    """Of the first page."""
    tiff = _Tiff(data)
    first, *others = tiff.directories(limits)

    def value(number: int) -> bytes:
        return first[number].value if number in first else b""

    notes: tuple[str, ...] = (CREDENTIALS_NOTE,) if CREDENTIALS in first else ()
    if _SUB_IFDS in first or any(tiff.number(tags, _SUBFILE) & 1 for tags in others):
        notes += (PREVIEWS,)
    else:
        notes += note_trailer(data[tiff.end([first, *others]) :])
    return Metadata(icc=value(ICC), xmp=value(XMP), iptc=value(PHOTOSHOP), notes=notes)


def byte_order(data: Data) -> str:
    return "<" if data[:2] == b"II" else ">"


def numbers(order: str, kind: int, *values: int) -> Tag:
    packed = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
    return Tag(kind, len(values), packed)


def write(order: str, content: Iterable[Page]) -> bytes:
    out = bytearray(b"II*\0" if order == "<" else b"MM\0*")
    out += bytes(4)
    link = 4
    for page in content:
        tags = dict(page.tags)
        for tag, child in page.children.items():
            tags[tag] = numbers(order, LONG, _write_directory(out, order, child.tags)[0])
        if page.pixels:
            starts = []
            for piece in page.pixels:
                out += bytes(len(out) % 2)
                starts.append(len(out))
                out += piece
            where, sizes = _pixel_tags(tags)
            tags[where] = numbers(order, LONG, *starts)
            tags[sizes] = numbers(order, LONG, *map(len, page.pixels))
        start, end = _write_directory(out, order, tags)
        struct.pack_into(order + "I", out, link, start)
        link = end
    return bytes(out)


class _Tiff:
    """Reading beyond the end of the file raises BrokenPicture."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.order = byte_order(data)
        self.seen = 0
        if self.integer(2, 2) != 42:
            raise UnsupportedPicture(
                "BigTIFF isn't supported; save the picture as a classic TIFF (below 4 GB)."
            )

    def integer(self, at: int, size: int) -> int:
        if at < 0 or at + size > len(self.data):
            raise BrokenPicture("The picture is truncated: data is missing.")
        return int.from_bytes(self.data[at : at + size], "little" if self.order == "<" else "big")

    def directories(self, limits: Limits) -> Iterator[dict[int, Tag]]:
        at, seen = self.integer(4, 4), set[int]()
        while at:
            if at in seen:
                raise BrokenPicture("The picture is damaged: its pages form a loop.")
            seen.add(at)
            limits.check_frames(len(seen))
            tags, at = self.directory(at)
            yield tags

    def directory(self, at: int) -> tuple[dict[int, Tag], int]:
        count = self.integer(at, 2)
        if not 0 < count <= _MOST_TAGS:
            raise BrokenPicture("The picture's header is damaged.")
        tags = {}
        self.seen = max(self.seen, at + 6 + 12 * count)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            number, kind = self.integer(entry, 2), self.integer(entry + 2, 2)
            amount = self.integer(entry + 4, 4)
            if 0 < kind < len(_SIZES):
                size = amount * _SIZES[kind]
                start = entry + 8 if size <= 4 else self.integer(entry + 8, 4)
                if start + size > len(self.data):
                    raise BrokenPicture("The picture is truncated: data is missing.")
                tags[number] = Tag(kind, amount, self.data[start : start + size])
                self.seen = max(self.seen, start + size)
        return tags, self.integer(at + 2 + 12 * count, 4)

    def end(self, pages: list[dict[int, Tag]]) -> int:
        """Where the last thing ends that a page names."""
        for tags in pages:
            for pointer in (EXIF_IFD, GPS_IFD):
                if pointer in tags:
                    self.directory(self.number(tags, pointer))
            where, sizes = _pixel_tags(tags)
            pairs = zip(self.values(tags, where), self.values(tags, sizes), strict=False)
            self.seen = max(self.seen, *(start + size for start, size in pairs), 0)
        return self.seen

    def values(self, tags: dict[int, Tag], number: int) -> list[int]:
        tag = tags.get(number)
        if tag is None:
            return []
        size = 2 if tag.kind == SHORT else 4
        if tag.kind not in (SHORT, LONG):
            return list(tag.value) if tag.kind == 1 else []
        letter = "H" if size == 2 else "I"
        return list(struct.unpack(f"{self.order}{tag.count}{letter}", tag.value))

    def number(self, tags: dict[int, Tag], number: int, default: int = 0) -> int:
        return next(iter(self.values(tags, number)), default)

    def pixels(self, tags: dict[int, Tag]) -> Iterator[bytes]:
        where, sizes = _pixel_tags(tags)
        for start, size in zip(self.values(tags, where), self.values(tags, sizes), strict=True):
            if start + size > len(self.data):
                raise BrokenPicture("The picture is truncated: data is missing.")
            yield self.data[start : start + size]


def _check_kind(tiff: _Tiff, tags: dict[int, Tag]) -> None:
    depths = set(tiff.values(tags, BITS)) or {1}
    taken = (
        len(depths) == 1
        and depths <= {1, 2, 4, 8, 16}
        and tiff.number(tags, PHOTOMETRIC, 1) in _PHOTOMETRICS
        and tiff.number(tags, PLANAR, 1) == 1
        and set(tiff.values(tags, _SAMPLE_FORMAT)) <= {1}
        and _JPEG_START not in tags
    )
    if not taken:
        raise UnsupportedPicture(
            "This kind of TIFF isn't supported. Supported: grey, palette, RGB and CMYK, "
            "up to 16 bits a sample, interleaved."
        )


def _pixel_tags(tags: dict[int, Tag]) -> tuple[int, int]:
    return (_TILE_OFFSETS, _TILE_COUNTS) if _TILE_OFFSETS in tags else (OFFSETS, COUNTS)


def _write_directory(out: bytearray, order: str, tags: dict[int, Tag]) -> tuple[int, int]:
    """Returns its start and where its link lies."""
    entries = bytearray()
    for number, tag in sorted(tags.items()):
        value = tag.value.ljust(4, b"\0")
        if len(value) > 4:
            out += bytes(len(out) % 2)
            value = struct.pack(order + "I", len(out))
            out += tag.value
        entries += struct.pack(order + "HHI", number, tag.kind, tag.count) + value
    out += bytes(len(out) % 2)
    start = len(out)
    out += struct.pack(order + "H", len(tags)) + entries + bytes(4)
    return start, len(out) - 4
