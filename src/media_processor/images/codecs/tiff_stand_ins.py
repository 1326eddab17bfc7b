"""Pages that libvips reads in place of a TIFF's: the same bytes under other names."""

from collections.abc import Callable
from functools import partial

import pyvips

from media_processor.images import samples
from media_processor.images.codecs.tiff_raster import is_planar, number
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.containers.tiff_directory import LONG, SHORT, numbers
from media_processor.images.small_floats import SMALL_FLOATS

Reopen = Callable[[], pyvips.Image]

_MEANING = (
    *(tiff_tags.SAMPLES, tiff_tags.PLANAR, tiff_tags.EXTRA, tiff_tags.FORMAT),
    tiff_tags.PREDICTOR,
)


def open_plain(order: str, page: Page) -> Reopen:
    planes = _planes(order, page) if is_planar(order, page) else [_plain(order, page)]
    files = [tiff.write(order, [plane]) for plane in planes]

    def reopen() -> pyvips.Image:
        first, *others = (samples.open_image(data, "TIFF") for data in files)
        return first.bandjoin(others) if others else first

    return reopen


def open_as_bytes(order: str, page: Page) -> Reopen:
    """Each row as it stands in the file, as grey pixels of a byte each."""
    if differs_as_float(order, page):
        data = tiff.write(order, [_as_byte_planes(order, page)])
        return partial(_join_byte_planes, data, order, page)
    data = tiff.write(order, [_as_bytes(order, page)])
    return partial(samples.open_image, data, "TIFF")


def differs_as_float(order: str, page: Page) -> bool:
    """Whether the bytes are ordered and differences, as Technical Note 3 has them."""
    return (
        number(order, page, tiff_tags.PREDICTOR) == tiff_tags.FLOAT_DIFFERENCES
        and number(order, page, tiff_tags.COMPRESSION) in tiff_tags.WITH_PREDICTOR
    )


def _plain(order: str, page: Page) -> Page:
    """The page without what the samples mean, so that libvips leaves them as they are."""
    tags = {tag: value for tag, value in page.tags.items() if tag in tiff_tags.PIXEL_TAGS}
    count = number(order, page, tiff_tags.SAMPLES)
    colours = 3 if count >= 3 else 1
    photometric = tiff_tags.RGB if colours == 3 else tiff_tags.BLACK_IS_ZERO
    tags[tiff_tags.PHOTOMETRIC] = numbers(order, SHORT, photometric)
    tags.pop(tiff_tags.EXTRA, None)
    is_float = number(order, page, tiff_tags.FORMAT) == tiff_tags.FLOAT
    if is_float and number(order, page, tiff_tags.BITS) in SMALL_FLOATS:
        tags.pop(tiff_tags.FORMAT)
    if count > colours:
        tags[tiff_tags.EXTRA] = numbers(order, SHORT, *[0] * (count - colours))
    if count == 1:
        tags.pop(tiff_tags.PLANAR, None)
    return Page(tags, page.pixels, {})


def _planes(order: str, page: Page) -> list[Page]:
    """Each colour plane as a grey page, as libvips can't read tiles of planes."""
    count = number(order, page, tiff_tags.SAMPLES)
    pieces = len(page.pixels) // count
    tags = {tag: value for tag, value in page.tags.items() if tag in tiff_tags.PIXEL_TAGS}
    tags[tiff_tags.SAMPLES] = numbers(order, SHORT, 1)
    for tag in (tiff_tags.BITS, tiff_tags.FORMAT):
        if tag in tags:
            tags[tag] = numbers(order, SHORT, number(order, page, tag))
    starts = range(0, pieces * count, max(1, pieces))
    return [_plain(order, Page(tags, page.pixels[start : start + pieces], {})) for start in starts]


def _as_bytes(order: str, page: Page) -> Page:
    """Its rows as grey pixels of a byte each."""
    tags = {tag: value for tag, value in page.tags.items() if tag in tiff_tags.PIXEL_TAGS}
    bits = number(order, page, tiff_tags.BITS) * number(order, page, tiff_tags.SAMPLES)
    for tag in (tiff_tags.WIDTH, tiff_tags.TILE_WIDTH):
        if tag in tags:
            tags[tag] = numbers(order, LONG, -(-number(order, page, tag) * bits // 8))
    for tag in _MEANING:
        tags.pop(tag, None)
    tags[tiff_tags.BITS] = numbers(order, SHORT, 8)
    tags[tiff_tags.PHOTOMETRIC] = numbers(order, SHORT, tiff_tags.BLACK_IS_ZERO)
    return Page(tags, page.pixels, {})


def _as_byte_planes(order: str, page: Page) -> Page:
    """With a pixel for each byte of a sample: all the highest bytes of a row, then the next. Of
    tiles each is whole."""
    tags = dict(_plain(order, page).tags)
    count, depth = (number(order, page, tag) for tag in (tiff_tags.SAMPLES, tiff_tags.BITS))
    width = number(order, page, tiff_tags.WIDTH)
    if across := number(order, page, tiff_tags.TILE_WIDTH, 0):
        tags[tiff_tags.TILE_WIDTH] = numbers(order, LONG, across * depth // 8)
        width = -(-width // across) * across
    tags[tiff_tags.WIDTH] = numbers(order, LONG, width * depth // 8)
    tags[tiff_tags.BITS] = numbers(order, SHORT, *[8] * count)
    tags[tiff_tags.PREDICTOR] = numbers(order, SHORT, tiff_tags.DIFFERENCES)
    tags.pop(tiff_tags.FORMAT, None)
    return Page(tags, page.pixels, {})


def _join_byte_planes(data: bytes, order: str, page: Page) -> pyvips.Image:
    found = samples.open_image(data, "TIFF")
    width = number(order, page, tiff_tags.WIDTH)
    across = number(order, page, tiff_tags.TILE_WIDTH, width)
    size = number(order, page, tiff_tags.BITS) // 8
    high_first = range(size) if order == ">" else range(size)[::-1]
    columns = []
    for left in range(0, found.width, across * size):
        planes = [
            found.crop(left + at * across, 0, across, found.height)[band]
            for band in range(found.bands)
            for at in high_first
        ]
        columns.append(planes[0].bandjoin(planes[1:]).bandunfold())
    whole = columns[0]
    for column in columns[1:]:
        whole = whole.join(column, "horizontal")
    return whole.crop(0, 0, width * found.bands * size, found.height)
