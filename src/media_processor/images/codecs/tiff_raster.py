"""The pixels of a TIFF's page: made whole before they are decoded, coded again afterwards."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.containers.tiff_directory import LONG, SHORT, Tag, numbers
from media_processor.images.info import Size
from media_processor.limits import Limits

_LEVEL = 3
_STRIP_BYTES = 1 << 18

Rows = Callable[[int, int], bytes]
"""The samples of the rows from one number up to another."""


@dataclass(frozen=True)
class Raster:
    """A watermarked page. ``rows`` gives its samples, of ``row_bytes`` a row, as differences if
    ``differs``; ``tags`` say what they mean."""

    rows: Rows
    size: Size
    row_bytes: int
    tags: dict[int, Tag]
    differs: bool


def number(order: str, page: Page, tag: int, default: int = 1) -> int:
    return next(iter(tiff.values(order, page, tag)), default)


def size_of(order: str, page: Page) -> Size:
    return number(order, page, tiff_tags.WIDTH), number(order, page, tiff_tags.HEIGHT)


def is_planar(order: str, page: Page) -> bool:
    return number(order, page, tiff_tags.PLANAR) == 2 and number(order, page, tiff_tags.SAMPLES) > 1


def build_page(raster: Raster, order: str, *, compressed: bool) -> Page:
    width, height = raster.size
    rows = max(1, _STRIP_BYTES // raster.row_bytes)
    compression = tiff_tags.DEFLATE if compressed else tiff_tags.UNCOMPRESSED
    tags = raster.tags | {
        tiff_tags.WIDTH: numbers(order, LONG, width),
        tiff_tags.HEIGHT: numbers(order, LONG, height),
        tiff_tags.COMPRESSION: numbers(order, SHORT, compression),
        tiff_tags.ROWS: numbers(order, LONG, rows),
        tiff_tags.PLANAR: numbers(order, SHORT, 1),
    }
    if raster.differs:
        tags[tiff_tags.PREDICTOR] = numbers(order, SHORT, tiff_tags.DIFFERENCES)
    strips = (raster.rows(start, min(height, start + rows)) for start in range(0, height, rows))
    return Page(
        tags, tuple(zlib.compress(strip, _LEVEL) if compressed else strip for strip in strips), {}
    )


def complete(order: str, page: Page, limits: Limits) -> Page:
    """``page`` with what is missing of an uncompressed one filled up with zeros.

    Raises BrokenPicture if that is more than the limit.
    """
    wanted = _piece_bytes(order, page)
    if len(wanted) != len(page.pixels):
        return page
    missing = sum(
        max(0, size - len(piece)) for size, piece in zip(wanted, page.pixels, strict=True)
    )
    if not missing:
        return page
    limits.check_rows(1 - missing / sum(wanted))
    pieces = zip(wanted, page.pixels, strict=True)
    filled = tuple(piece[:size].ljust(size, b"\0") for size, piece in pieces)
    note = f"{missing:,} bytes of pixels were missing in the file; they are 0"
    return replace(page, pixels=filled, notes=(*page.notes, note))


def _piece_bytes(order: str, page: Page) -> list[int]:
    # How many each strip or tile has; none if that can't be told.
    if number(order, page, tiff_tags.COMPRESSION) != tiff_tags.UNCOMPRESSED:
        return []
    if number(order, page, tiff_tags.PHOTOMETRIC) == tiff_tags.YCBCR:
        return []
    width, height = size_of(order, page)
    depth, count = number(order, page, tiff_tags.BITS), number(order, page, tiff_tags.SAMPLES)
    planes, together = (count, 1) if is_planar(order, page) else (1, count)
    if across := number(order, page, tiff_tags.TILE_WIDTH, 0):
        down = number(order, page, tiff_tags.TILE_HEIGHT)
        tiles = -(-width // across) * -(-height // max(1, down))
        return [-(-across * depth * together // 8) * down] * (tiles * planes)
    rows = min(height, number(order, page, tiff_tags.ROWS, height)) or height
    row = -(-width * depth * together // 8)
    return [min(rows, height - top) * row for top in range(0, height, rows)] * planes
