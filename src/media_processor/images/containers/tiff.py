"""TIFF: a chain of directories, each with a page's tags and where its pixels lie."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from media_processor.errors import BrokenPicture
from media_processor.images.containers import Data, tiff_tags
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
from media_processor.images.containers.tiff_kinds import check_kind
from media_processor.images.containers.tiff_old_jpeg import OldJpeg
from media_processor.images.exif import PREVIEWS
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import CREDENTIALS as CREDENTIALS_NOTE
from media_processor.images.metadata import MOST_SHOWN, NO_PLACE, Metadata, note_trailer
from media_processor.limits import Limits

_METADATA = {
    **{tiff_tags.XMP: "XMP", tiff_tags.IPTC: "IPTC", tiff_tags.PHOTOSHOP: "IPTC"},
    tiff_tags.ICC: "colour profile",
}
_FULL = (
    "a larger picture in the file, such as raw sensor data, was dropped: this one is its preview"
)
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
        width, height = tiff.number(tags, tiff_tags.WIDTH), tiff.number(tags, tiff_tags.HEIGHT)
        if not width or not height:
            raise BrokenPicture("The picture's header is damaged.")
        pages, pixels = pages + 1, pixels + width * height
        if pages == 1:
            size, turn = (width, height), tiff.number(tags, tiff_tags.ORIENTATION, 1)
            check_kind(tiff, tags)
            bits = tiff.number(tags, tiff_tags.BITS, 1) * tiff.number(tags, tiff_tags.SAMPLES, 1)
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
        if is_first or not tiff.number(directory.tags, tiff_tags.SUBFILE) & 1:
            yield _page(tiff, directory, is_first=is_first)
        is_first = False


def read_metadata(data: Data, limits: Limits) -> Metadata:
    """Of the first page."""
    tiff = DirectoryReader(data)
    first, *others = [directory.tags for directory in _directories(tiff, limits)]

    def value(number: int) -> bytes:
        return first[number].value if number in first else b""

    notes: tuple[str, ...] = (CREDENTIALS_NOTE,) if tiff_tags.CREDENTIALS in first else ()
    if tiff_tags.SUB_IFDS in first or any(
        tiff.number(tags, tiff_tags.SUBFILE) & 1 for tags in others
    ):
        notes += (_FULL if _has_larger(tiff, first) else PREVIEWS,)
    else:
        notes += note_trailer(data[_end(tiff, [first, *others]) :])
    return Metadata(
        icc=value(tiff_tags.ICC),
        xmp=value(tiff_tags.XMP),
        iptc=value(tiff_tags.PHOTOSHOP),
        notes=notes,
    )


def _has_larger(tiff: DirectoryReader, tags: dict[int, Tag]) -> bool:
    """Whether the page is the preview of a picture in a sub-directory, as in a DNG or NEF."""

    def pixels(found: dict[int, Tag]) -> int:
        return tiff.number(found, tiff_tags.WIDTH) * tiff.number(found, tiff_tags.HEIGHT)

    for at in tiff.values(tags, tiff_tags.SUB_IFDS):
        with suppress(BrokenPicture):
            if pixels(tiff.directory(at).tags) > pixels(tags):
                return True
    return False


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
            where, sizes = pixel_tags(tags)
            tags[where] = numbers(order, LONG, *starts)
            tags[sizes] = numbers(order, LONG, *map(len, page.pixels))
        start, end = write_directory(out, order, tags)
        struct.pack_into(order + "I", out, link, start)
        link = end
    return bytes(out)


def note_conversion(data: Data, limits: Limits) -> tuple[str, ...]:
    """Of the first page's tags that another format doesn't get."""
    first = next(_directories(DirectoryReader(data), limits))
    lost = [n for n in first.tags if n not in tiff_tags.PIXEL_TAGS | tiff_tags.CARRIED]
    names = dict.fromkeys(tiff_tags.COMMON.get(number, f"tag {number}") for number in lost)
    shown = [*list(names)[:MOST_SHOWN], *(["…"] if len(names) > MOST_SHOWN else [])]
    return (NO_PLACE % ", ".join(shown),) if shown else ()


def _directories(tiff: DirectoryReader, limits: Limits) -> Iterator[Directory]:
    at, seen = tiff.first, set[int]()
    while at:
        if at in seen:
            raise BrokenPicture("The picture is damaged: its pages form a loop.")
        seen.add(at)
        limits.check_frames(len(seen))
        directory = tiff.directory(at)
        if tiff_tags.PIXEL_TAGS.intersection(directory.lost):
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield directory
        at = directory.link


def _end(tiff: DirectoryReader, pages: list[dict[int, Tag]]) -> int:
    """Where the last thing ends that a page names."""
    end = 0
    for tags in pages:
        for pointer in (tiff_tags.EXIF_IFD, tiff_tags.GPS_IFD):
            with suppress(BrokenPicture):
                tiff.directory(tiff.number(tags, pointer))
        for where, sizes in (
            pixel_tags(tags),
            (tiff_tags.OLD_JPEG_START, tiff_tags.OLD_JPEG_LENGTH),
        ):
            pairs = zip(tiff.values(tags, where), tiff.values(tags, sizes), strict=False)
            end = max(end, *(start + size for start, size in pairs), 0)
    return max(end, tiff.seen)


def _page(tiff: DirectoryReader, directory: Directory, *, is_first: bool) -> Page:
    lost = len(directory.lost)
    children: dict[int, Page] = {}
    notes = ["BigTIFF became TIFF 6.0"] if tiff.is_big else []
    for pointer, name in ((tiff_tags.EXIF_IFD, "EXIF"), (tiff_tags.GPS_IFD, "GPS position")):
        if pointer in directory.tags:
            try:
                child = tiff.directory(tiff.number(directory.tags, pointer))
            except BrokenPicture:
                notes.append(f"the {name} was dropped: its directory is empty or damaged")
                continue
            kept = tiff.narrow(child.tags)
            lost += len(child.lost) + len(child.tags) - len(kept)
            kept.pop(tiff_tags.INTEROPERABILITY, None)
            if kept:
                children[pointer] = Page(kept, (), {})
    tags = tiff.narrow(directory.tags)
    lost += len(directory.tags) - len(tags)
    if lost:
        notes.append(f"{lost} damaged tag{'s' if lost > 1 else ''} dropped")
    if is_first and _lacks_palette(tiff, tags):  # as libtiff has it
        tags.pop(tiff_tags.PALETTE, None)
        tags[tiff_tags.PHOTOMETRIC] = numbers(tiff.order, SHORT, tiff_tags.BLACK_IS_ZERO)
        notes.append("its palette is missing or damaged: its numbers were taken for grey")
    if tiff.number(tags, tiff_tags.COMPRESSION) == tiff_tags.OLD_JPEG:
        tags, pixels = OldJpeg(tiff, tags).renew(_pixels(tiff, directory.tags, clip=is_first))
        notes.append("the old JPEG-in-TIFF became the current kind")
    else:
        pixels = tuple(_pixels(tiff, directory.tags, clip=is_first))
    for pointer in (tiff_tags.SUB_IFDS, tiff_tags.EXIF_IFD, tiff_tags.GPS_IFD):
        tags.pop(pointer, None)
    return Page(tags, pixels, children, tuple(notes))


def _lacks_palette(tiff: DirectoryReader, tags: dict[int, Tag]) -> bool:
    if tiff.number(tags, tiff_tags.PHOTOMETRIC) != tiff_tags.INDEXED:
        return False
    return len(tiff.values(tags, tiff_tags.PALETTE)) < 3 << tiff.number(tags, tiff_tags.BITS, 1)


def _pixels(tiff: DirectoryReader, tags: dict[int, Tag], *, clip: bool) -> Iterator[bytes]:
    where, sizes = pixel_tags(tags)
    starts, counts = tiff.values(tags, where), tiff.values(tags, sizes)
    if len(starts) == 1 and not counts:  # its writer thought the length needless
        counts = [len(tiff.data)]
    for start, size in zip(starts, counts, strict=True):
        if start + size > len(tiff.data) and not clip:
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield tiff.data[start : start + size]


def pixel_tags(tags: dict[int, Tag]) -> tuple[int, int]:
    return (
        (tiff_tags.TILE_OFFSETS, tiff_tags.TILE_COUNTS)
        if tiff_tags.TILE_OFFSETS in tags
        else (tiff_tags.OFFSETS, tiff_tags.COUNTS)
    )
