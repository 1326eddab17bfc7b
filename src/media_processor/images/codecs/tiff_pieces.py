"""The strips and tiles of a TIFF's page, filled up where they are a little short."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from media_processor.errors import MediaProcessorError
from media_processor.images.codecs.tiff_raster import is_planar, number, size_of
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.containers.tiff_directory import LONG, SHORT, numbers
from media_processor.images.info import Size
from media_processor.images.pillow import open_image
from media_processor.limits import Limits

# Compressions of bytes, whatever these mean, and of rows of bits.
_DECODABLE = tiff_tags.WITH_PREDICTOR | {tiff_tags.PACKBITS} | tiff_tags.FAXES
# Rows that are filled up, or read by other means, are only to be read once more.
_LEVEL = 1

_Made = TypeVar("_Made")


def complete(order: str, page: Page, limits: Limits) -> Page:
    """``page`` with what is missing of an uncompressed one filled up with zeros.

    Raises BrokenPicture if that is more than the limit.
    """
    if number(order, page, tiff_tags.COMPRESSION) != tiff_tags.UNCOMPRESSED:
        return page
    shapes = _shapes(order, page)
    if not shapes and (likely := _likely_rows(order, page)):
        page = replace(page, tags=page.tags | {tiff_tags.ROWS: numbers(order, LONG, likely)})
        shapes = _shapes(order, page)
    if not shapes:
        return page
    wanted = [row * rows for row, rows in shapes]
    pairs = list(zip(wanted, page.pixels, strict=True))
    missing = sum(max(0, size - len(piece)) for size, piece in pairs)
    if not missing:
        return page
    limits.check_rows(1 - missing / sum(wanted))
    filled = tuple(piece[:size].ljust(size, b"\0") for size, piece in pairs)
    return replace(page, pixels=filled, notes=(*page.notes, _note(missing)))


def tolerate(
    order: str, page: Page, limits: Limits, work: Callable[[Page], _Made]
) -> tuple[_Made, Page]:
    """What ``work`` makes of ``page``, or of one with compressed pieces filled up; and of which.

    Raises BrokenPicture if more is missing than the limit, else what ``work`` raises.
    """
    try:
        return work(page), page
    except (MediaProcessorError, MemoryError, ModuleNotFoundError):
        raise
    except Exception:
        compression = number(order, page, tiff_tags.COMPRESSION)
        if compression not in _DECODABLE or not _shapes(order, page):
            raise
        filled = recode(order, page, limits)
        if filled.notes == page.notes:  # nothing is missing
            raise
    return work(filled), filled


def note_fax(order: str, page: Page) -> list[str]:
    """Pillow doesn't say that its decoder left out what it couldn't read of a fax; libvips does."""
    if number(order, page, tiff_tags.COMPRESSION) not in tiff_tags.FAXES:
        return []
    try:
        from media_processor.images import samples
    except ModuleNotFoundError:
        return []
    tags = {tag: value for tag, value in page.tags.items() if tag in tiff_tags.PIXEL_TAGS}
    try:
        samples.open_image(tiff.write(order, [Page(tags, page.pixels, {})]), "TIFF").avg()
    except MemoryError:
        raise
    except Exception:  # whatever it is, Pillow read past it
        return ["rows of the fax were damaged or missing; they are as a decoder guesses them"]
    return []


def recode(order: str, page: Page, limits: Limits) -> Page:
    """``page`` with Deflate instead of another lossless compression; short pieces filled up."""
    shapes = _shapes(order, page)
    whole = sum(row * rows for row, rows in shapes)
    spare = int(whole * (1 - limits.rows))
    pieces, lost = [], 0
    for (row, rows), piece in zip(shapes, page.pixels, strict=True):
        found = _first_rows(order, page, piece, (row, rows), rows - max(0, spare) // row)
        missing = row * rows - len(found)
        spare, lost = spare - missing, lost + missing
        limits.check_rows(1 - lost / whole)
        pieces.append(zlib.compress(found.ljust(row * rows, b"\0"), _LEVEL))
    tags = {tag: value for tag, value in page.tags.items() if tag != tiff_tags.FILL_ORDER}
    tags[tiff_tags.COMPRESSION] = numbers(order, SHORT, tiff_tags.DEFLATE)
    notes = (*page.notes, _note(lost)) if lost else page.notes
    return replace(page, tags=tags, pixels=tuple(pieces), notes=notes)


def _first_rows(order: str, page: Page, piece: bytes, shape: Size, least: int) -> bytes:
    """As many as can be decoded of a strip or tile; none if these are fewer than ``least``."""
    row, rows = shape
    low, high, middle, found = max(0, least), rows, rows, b""
    while low <= high:
        decoded = _decode(order, page, piece, (row, middle))
        if decoded is None:
            high = middle - 1
        else:
            low, found = middle + 1, decoded
        middle = (low + high + 1) // 2
    return found


def _decode(order: str, page: Page, piece: bytes, shape: Size) -> bytes | None:
    """The bytes, as if they were grey pixels: neither depth nor predictor matters."""
    width, rows = shape
    bits = 8
    if number(order, page, tiff_tags.COMPRESSION) in tiff_tags.FAXES:
        width, bits = number(order, page, tiff_tags.TILE_WIDTH, size_of(order, page)[0]), 1
    if not rows:
        return b""
    kept = (tiff_tags.COMPRESSION, tiff_tags.FILL_ORDER, *tiff_tags.FAX_OPTIONS)
    tags = {tag: page.tags[tag] for tag in kept if tag in page.tags}
    tags |= {
        tiff_tags.WIDTH: numbers(order, LONG, width),
        tiff_tags.HEIGHT: numbers(order, LONG, rows),
        tiff_tags.BITS: numbers(order, SHORT, bits),
        tiff_tags.PHOTOMETRIC: numbers(order, SHORT, tiff_tags.BLACK_IS_ZERO),
        tiff_tags.ROWS: numbers(order, LONG, rows),
    }
    try:
        image = open_image(tiff.write(order, [Page(tags, (piece,), {})]), "TIFF")
        image.load()
    except MemoryError:
        raise
    except Exception:  # what libtiff meets in there says no more than that
        return None
    return image.tobytes()


def _note(missing: int) -> str:
    return f"{missing:,} bytes of pixels were missing in the file; they are 0"


def _likely_rows(order: str, page: Page) -> int:
    """How many a strip has by its length, if RowsPerStrip is wrong; 0 if that can't be told."""
    depth, count = number(order, page, tiff_tags.BITS), number(order, page, tiff_tags.SAMPLES)
    together = 1 if is_planar(order, page) else count
    row = -(-number(order, page, tiff_tags.WIDTH) * depth * together // 8)
    return len(page.pixels[0]) // row if page.pixels else 0


def _shapes(order: str, page: Page) -> list[Size]:
    """The bytes of a row, and how many rows, of each strip or tile; none if that can't be told."""
    if number(order, page, tiff_tags.PHOTOMETRIC) == tiff_tags.YCBCR:
        return []
    width, height = size_of(order, page)
    depth, count = number(order, page, tiff_tags.BITS), number(order, page, tiff_tags.SAMPLES)
    planes, together = (count, 1) if is_planar(order, page) else (1, count)
    if across := number(order, page, tiff_tags.TILE_WIDTH, 0):
        down = max(1, number(order, page, tiff_tags.TILE_HEIGHT))
        pieces = -(-width // across) * -(-height // down) * planes
        shape = (-(-across * depth * together // 8), down)
        return [shape] * pieces if pieces == len(page.pixels) else []
    rows = min(height, number(order, page, tiff_tags.ROWS, height)) or height
    if -(-height // rows) * planes != len(page.pixels):
        return []
    row = -(-width * depth * together // 8)
    return [(row, min(rows, height - top)) for top in range(0, height, rows)] * planes
