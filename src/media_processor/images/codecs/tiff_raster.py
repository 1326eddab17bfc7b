"""The pixels of a TIFF's page, as they are coded again."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.containers.tiff_directory import LONG, SHORT, Tag, numbers
from media_processor.images.info import Size

LEVEL = 3
_STRIP_BYTES = 1 << 18

Rows = Callable[[int, int], bytes]
"""The samples of the rows from one number up to another."""


@dataclass(frozen=True)
class Raster:
    """A watermarked page. ``rows`` gives its samples, of ``row_bytes`` a row, as differences if
    ``differs``; ``tags`` say what they mean. ``level`` is Deflate's, 0 for uncompressed."""

    rows: Rows
    size: Size
    row_bytes: int
    tags: dict[int, Tag]
    differs: bool
    level: int


def number(order: str, page: Page, tag: int, default: int = 1) -> int:
    return next(iter(tiff.values(order, page, tag)), default)


def size_of(order: str, page: Page) -> Size:
    return number(order, page, tiff_tags.WIDTH), number(order, page, tiff_tags.HEIGHT)


def is_planar(order: str, page: Page) -> bool:
    return number(order, page, tiff_tags.PLANAR) == 2 and number(order, page, tiff_tags.SAMPLES) > 1


def build_page(raster: Raster, order: str) -> Page:
    width, height = raster.size
    rows = max(1, _STRIP_BYTES // raster.row_bytes)
    compression = tiff_tags.DEFLATE if raster.level else tiff_tags.UNCOMPRESSED
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
    if raster.level:
        strips = (zlib.compress(strip, raster.level) for strip in strips)
    return Page(tags, tuple(strips), {})
