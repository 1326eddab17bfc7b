"""Pages of a TIFF whose strips or tiles are pictures of their own: only those change that the
overlay covers."""

from collections.abc import Callable

from media_processor.images.codecs.tiff_raster import number, size_of
from media_processor.images.containers import tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.geometry import Box
from media_processor.images.overlay import Overlay

Redraw = Callable[[bytes, Box], bytes | None]
"""Makes a strip or tile, which lies in a place of the page, anew; None if it can't."""


def draw(order: str, page: Page, overlay: Overlay, redraw: Redraw) -> Page | None:
    """None if a piece is missing or can't be made anew."""
    width, height = size_of(order, page)
    across = number(order, page, tiff_tags.TILE_WIDTH, width)
    rows = number(order, page, tiff_tags.ROWS, height) or height  # libtiff ignores a 0
    down = number(order, page, tiff_tags.TILE_HEIGHT, rows)
    is_tiled = tiff_tags.TILE_WIDTH in page.tags
    down = down if is_tiled else min(down, height)
    columns = -(-width // across)
    pieces = list(page.pixels)
    if len(pieces) < columns * -(-height // down):
        return None
    for at, piece in enumerate(pieces):
        left, top = at % columns * across, at // columns * down
        place = Box(left, top, across, down if is_tiled else min(down, height - top))
        if any(_overlap(box, place) for box in overlay.stored):
            drawn = redraw(piece, place)
            if drawn is None:
                return None
            pieces[at] = drawn
    tags = {tag: value for tag, value in page.tags.items() if tag in tiff_tags.PIXEL_TAGS}
    return Page(tags, tuple(pieces), {})


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )
