"""TIFF: a chain of directories, each with a page's tags and where its pixels lie."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from media_processor.errors import BrokenPicture, UnsupportedPicture
from media_processor.images.containers import Data, jpeg
from media_processor.images.containers.tiff_directory import (
    LONG,
    SHORT,
    Directory,
    DirectoryReader,
    Tag,
    numbers,
    read_numbers,
    write_directory,
)
from media_processor.images.exif import PREVIEWS
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import CREDENTIALS as CREDENTIALS_NOTE
from media_processor.images.metadata import Metadata, note_trailer
from media_processor.limits import Limits

# Tags.
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS = 273, 274, 277, 278, 279
PLANAR, PREDICTOR, PALETTE, TILE_WIDTH, TILE_HEIGHT = 284, 317, 320, 322, 323
EXTRA, FORMAT, JPEG_TABLES, SUBSAMPLING = 338, 339, 347, 530
XMP, IPTC, PHOTOSHOP, EXIF_IFD, ICC, GPS_IFD = 700, 33723, 34377, 34665, 34675, 34853
CREDENTIALS = 52545  # C2PA 2.1, A.3.6
_SUBFILE, _SUB_IFDS, _TILE_OFFSETS, _TILE_COUNTS = 254, 330, 324, 325
_OLD_JPEG_START, _OLD_JPEG_LENGTH, _INTEROPERABILITY = 513, 514, 40965

# Their values.
UNCOMPRESSED, OLD_JPEG, JPEG, DEFLATE, WEBP = 1, 6, 7, 8, 50001
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INDEXED, INKS, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4
ASSOCIATED, UNASSOCIATED = 1, 2

_METADATA = {XMP: "XMP", IPTC: "IPTC", PHOTOSHOP: "IPTC", ICC: "colour profile"}

# Those of old JPEGs (Technical Note 2 replaced them).
_OLD_JPEG_TAGS = {512, _OLD_JPEG_START, _OLD_JPEG_LENGTH, 515, 517, 518, 519, 520, 521}
# Tags of the first page that describe its coded pixels, which are written anew.
PIXEL_TAGS = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, SAMPLES, ROWS, COUNTS, PLANAR}
    | {PREDICTOR, PALETTE, EXTRA, FORMAT, TILE_WIDTH, TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS}
    | {266, 292, 293}  # fill order, fax options
    | {JPEG_TABLES, 529, SUBSAMPLING, 531, 532}
    | _OLD_JPEG_TAGS
)

# What libtiff reads, which all decoders here use.
_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000, 50001}
# Samples that are colours, by photometric interpretation.
_COLOURS = {
    **{WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, INDEXED: 1},
    **{RGB: 3, YCBCR: 3, CIELAB: 3, ICCLAB: 3, INKS: 4},
}
_DEPTHS = {
    UNSIGNED: {1, 2, 4, 8, 10, 12, 14, 16, 24, 32},
    SIGNED: {8, 16, 32},
    FLOAT: {32, 64},
}
_NUMBERS = {UNSIGNED: "whole", SIGNED: "signed", FLOAT: "floating-point"}
_MOST_SAMPLES = 32
# Up to so many bits, four samples of 16, a pixel counts once.
_BITS_A_PIXEL = 64


@dataclass(frozen=True)
class Page:
    """One directory. ``pixels`` are its strips or tiles; ``children`` EXIF and GPS; ``notes`` say
    what of it was lost."""

    tags: dict[int, Tag]
    pixels: tuple[bytes, ...]
    children: dict[int, "Page"]
    notes: tuple[str, ...] = ()


def read_info(data: Data, limits: Limits) -> PictureInfo:
    tiff = DirectoryReader(data)
    size, turn, pages, pixels = (0, 0), 1, 0, 0
    for directory in _directories(tiff, limits):
        tags = directory.tags
        width, height = tiff.number(tags, WIDTH), tiff.number(tags, HEIGHT)
        if not width or not height:
            raise BrokenPicture("The picture's header is damaged.")
        pages, pixels = pages + 1, pixels + width * height
        if pages == 1:
            size, turn = (width, height), tiff.number(tags, ORIENTATION, 1)
            _check_kind(tiff, tags)
            bits = tiff.number(tags, BITS, 1) * tiff.number(tags, SAMPLES, 1)
            pixels *= -(-bits // _BITS_A_PIXEL)
            for tag, kind in _METADATA.items():
                if tag in tags:
                    limits.check_metadata(kind, len(tags[tag].value))
    if not pages:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    limits.check_pixels(pixels, f"{pages} pages")
    return PictureInfo("TIFF", *size, turn if 1 <= turn <= 8 else 1, pages)


def pages(data: Data, limits: Limits) -> Iterator[Page]:
    """Of the first one's pixels as many as there are, if the file is cut off.

    Previews are left out: reduced pictures (NewSubfileType 1) and sub-directories.
    """
    tiff = DirectoryReader(data)
    is_first = True
    for directory in _directories(tiff, limits):
        if is_first or not tiff.number(directory.tags, _SUBFILE) & 1:
            yield _page(tiff, directory, is_first=is_first)
        is_first = False


def read_metadata(data: Data, limits: Limits) -> Metadata:
    """Of the first page."""
    tiff = DirectoryReader(data)
    first, *others = [directory.tags for directory in _directories(tiff, limits)]

    def value(number: int) -> bytes:
        return first[number].value if number in first else b""

    notes: tuple[str, ...] = (CREDENTIALS_NOTE,) if CREDENTIALS in first else ()
    if _SUB_IFDS in first or any(tiff.number(tags, _SUBFILE) & 1 for tags in others):
        notes += (PREVIEWS,)
    else:
        notes += note_trailer(data[_end(tiff, [first, *others]) :])
    return Metadata(icc=value(ICC), xmp=value(XMP), iptc=value(PHOTOSHOP), notes=notes)


def values(order: str, page: Page, number: int) -> list[int]:
    """The numbers of a tag; none if it is missing."""
    return read_numbers(order, page.tags.get(number))


def write(order: str, content: Iterable[Page]) -> bytes:
    out = bytearray(b"II*\0" if order == "<" else b"MM\0*")
    out += bytes(4)
    link = 4
    for page in content:
        tags = dict(page.tags)
        for tag, child in page.children.items():
            tags[tag] = numbers(order, LONG, write_directory(out, order, child.tags)[0])
        if page.pixels:
            starts = []
            for piece in page.pixels:
                out += bytes(len(out) % 2)
                starts.append(len(out))
                out += piece
            where, sizes = _pixel_tags(tags)
            tags[where] = numbers(order, LONG, *starts)
            tags[sizes] = numbers(order, LONG, *map(len, page.pixels))
        start, end = write_directory(out, order, tags)
        struct.pack_into(order + "I", out, link, start)
        link = end
    return bytes(out)


def _directories(tiff: DirectoryReader, limits: Limits) -> Iterator[Directory]:
    at, seen = tiff.first, set[int]()
    while at:
        if at in seen:
            raise BrokenPicture("The picture is damaged: its pages form a loop.")
        seen.add(at)
        limits.check_frames(len(seen))
        directory = tiff.directory(at)
        if PIXEL_TAGS.intersection(directory.lost):
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield directory
        at = directory.link


def _end(tiff: DirectoryReader, pages: list[dict[int, Tag]]) -> int:
    """Where the last thing ends that a page names."""
    end = 0
    for tags in pages:
        for pointer in (EXIF_IFD, GPS_IFD):
            with suppress(BrokenPicture):
                tiff.directory(tiff.number(tags, pointer))
        for where, sizes in (_pixel_tags(tags), (_OLD_JPEG_START, _OLD_JPEG_LENGTH)):
            pairs = zip(tiff.values(tags, where), tiff.values(tags, sizes), strict=False)
            end = max(end, *(start + size for start, size in pairs), 0)
    return max(end, tiff.seen)


def _page(tiff: DirectoryReader, directory: Directory, *, is_first: bool) -> Page:
    lost = len(directory.lost)
    children: dict[int, Page] = {}
    notes = ["BigTIFF became TIFF 6.0"] if tiff.is_big else []
    for pointer, name in ((EXIF_IFD, "EXIF"), (GPS_IFD, "GPS position")):
        if pointer in directory.tags:
            try:
                child = tiff.directory(tiff.number(directory.tags, pointer))
            except BrokenPicture:
                notes.append(f"the {name} was dropped: its directory is empty or damaged")
                continue
            kept = tiff.narrow(child.tags)
            lost += len(child.lost) + len(child.tags) - len(kept)
            kept.pop(_INTEROPERABILITY, None)
            if kept:
                children[pointer] = Page(kept, (), {})
    tags = tiff.narrow(directory.tags)
    lost += len(directory.tags) - len(tags)
    if lost:
        notes.append(f"{lost} damaged tag{'s' if lost > 1 else ''} dropped")
    if tiff.number(tags, COMPRESSION) == OLD_JPEG:
        tags, pixels = _renew_jpeg(tiff, tags)
        notes.append("the old JPEG-in-TIFF became the current kind")
    else:
        pixels = tuple(_pixels(tiff, directory.tags, clip=is_first))
    for pointer in (_SUB_IFDS, EXIF_IFD, GPS_IFD):
        tags.pop(pointer, None)
    return Page(tags, pixels, children, tuple(notes))


def _pixels(tiff: DirectoryReader, tags: dict[int, Tag], *, clip: bool) -> Iterator[bytes]:
    where, sizes = _pixel_tags(tags)
    starts, counts = tiff.values(tags, where), tiff.values(tags, sizes)
    if len(starts) == 1 and not counts:  # its writer thought the length needless
        counts = [len(tiff.data)]
    for start, size in zip(starts, counts, strict=True):
        if start >= len(tiff.data) or (start + size > len(tiff.data) and not clip):
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield tiff.data[start : start + size]


def _renew_jpeg(
    tiff: DirectoryReader, tags: dict[int, Tag]
) -> tuple[dict[int, Tag], tuple[bytes, ...]]:
    """An old JPEG (section 22), whose offsets would mislead, as one of Technical Note 2."""
    start = tiff.number(tags, _OLD_JPEG_START)
    stream = tiff.data[start : start + (tiff.number(tags, _OLD_JPEG_LENGTH) or len(tiff.data))]
    parts = list(jpeg.segments(stream)) if start and stream.startswith(b"\xff\xd8") else []
    frame = next((part for part in parts if part.marker in jpeg.FRAMES), None)
    if frame is None or all(part.marker != jpeg.SOS for part in parts):
        raise _not_taken("with an old JPEG that isn't in one piece")
    sampling = stream[frame.start + 11]
    kept = {number: tag for number, tag in tags.items() if number not in _OLD_JPEG_TAGS}
    kept[COMPRESSION] = numbers(tiff.order, SHORT, JPEG)
    kept[ROWS] = numbers(tiff.order, LONG, tiff.number(tags, HEIGHT))
    samples = stream[frame.start + 9]  # its writer may have left out what the JPEG says
    kept[SAMPLES] = numbers(tiff.order, SHORT, samples)
    kept[BITS] = numbers(tiff.order, SHORT, *[8] * samples)
    if samples > 1:
        kept[SUBSAMPLING] = numbers(tiff.order, SHORT, sampling >> 4, sampling & 15)
    end = parts[-1].end if parts[-1].marker == jpeg.EOI else len(stream)
    return kept, (stream[:end],)


def _check_kind(tiff: DirectoryReader, tags: dict[int, Tag]) -> None:
    depths, formats = set(tiff.values(tags, BITS)), set(tiff.values(tags, FORMAT))
    if len(depths) > 1 or len(formats) > 1:
        raise _not_taken("whose samples differ in depth or kind")
    depth = next(iter(depths), 1)
    kind = next(iter(formats - {UNDEFINED}), UNSIGNED)
    if depth not in _DEPTHS.get(kind, ()):
        name = _NUMBERS.get(kind, "complex")
        raise _not_taken(f"with {name} numbers of {depth} bits")
    photometric = tiff.number(tags, PHOTOMETRIC, BLACK_IS_ZERO)
    if photometric not in _COLOURS:
        raise _not_taken(f"with photometric interpretation {photometric}, such as raw sensor data,")
    compression = tiff.number(tags, COMPRESSION, UNCOMPRESSED)
    is_jpeg = compression in (JPEG, OLD_JPEG)
    samples = tiff.number(tags, SAMPLES, _COLOURS[photometric] if is_jpeg else 1)
    colours = 1 if (photometric, samples) == (YCBCR, 1) else _COLOURS[photometric]
    if not colours <= samples <= _MOST_SAMPLES:
        raise _not_taken(f"with {samples} samples a pixel instead of {colours}")
    if photometric == INDEXED and depth > 8:
        raise _not_taken("with more than 256 colours in a palette")
    if photometric in (CIELAB, ICCLAB) and (depth not in (8, 16) or kind != UNSIGNED):
        raise _not_taken("in CIELab with other depths than 8 or 16 bits")
    if photometric == YCBCR and (depth != 8 or tiff.number(tags, PLANAR, 1) != 1):
        raise _not_taken("in YCbCr with other depths than 8 bits, or in planes,")
    if depth < 8 and samples > 1:
        raise _not_taken(f"with {samples} samples of {depth} bits a pixel")
    if depth in (10, 12, 14, 24, 64) and samples > 1 and tiff.number(tags, PLANAR, 1) != 1:
        raise _not_taken(f"of {depth} bits in planes")
    if compression not in _COMPRESSIONS:
        raise _not_taken(f"with compression {compression}")
    if is_jpeg and depth != 8:
        raise _not_taken(f"with JPEGs of {depth} bits")
    if compression == OLD_JPEG:
        _renew_jpeg(tiff, tags)


def _not_taken(which: str) -> UnsupportedPicture:
    return UnsupportedPicture(f"TIFFs {which} aren't supported.")


def _pixel_tags(tags: dict[int, Tag]) -> tuple[int, int]:
    return (_TILE_OFFSETS, _TILE_COUNTS) if _TILE_OFFSETS in tags else (OFFSETS, COUNTS)
