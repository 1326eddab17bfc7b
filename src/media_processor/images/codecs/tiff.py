"""TIFF: the first page is watermarked, bit for bit outside the overlay; all others are copied."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image, ImageChops

from media_processor.errors import UnsupportedPicture
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import tiff
from media_processor.images.containers.tiff import SHORT, Page, Tag
from media_processor.images.info import PictureInfo, Size
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import BASES, Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image, to_drawable

MODES = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
CARRIED = frozenset({"icc"})
_UNCOMPRESSED, _DEFLATE, _DIFFERENCES = 1, 8, 2
_LEVEL = 3
_STRIP_BYTES = 1 << 18

# Photometric interpretation by what Pillow or libvips made of the page.
_GREY, _RGB, _INKS = 1, 2, 5
_UNASSOCIATED_ALPHA = 2

# What describes the picture, its place or its author, and goes with ``strip = "all"``.
_STRIPPED = {tiff.XMP, tiff.IPTC, tiff.PHOTOSHOP, 269, 270, 271, 272, 305, 306, 315, 316, 33432}


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """Depth and byte order stay; a compressed one comes out with Deflate."""
    order = tiff.byte_order(data)
    first, *others = tiff.pages(data, options.limits)
    kept = tiff.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)
    single = tiff.write(order, [_strip(first)])
    compressed = _value(order, first, tiff.COMPRESSION) != _UNCOMPRESSED
    depth = _value(order, first, tiff.BITS)
    raster = (_draw_sixteen_bits if depth == 16 else _draw_eight_bits)(
        single, overlay, kept.icc, order, compressed
    )
    page = _build_page(raster, order, compressed)
    tags = {
        number: tag
        for number, tag in first.tags.items()
        if number not in (*tiff.PIXEL_TAGS, tiff.CREDENTIALS)
        and not (options.strip == "all" and number in _STRIPPED)
    }
    tags |= _clean_tags(tags, kept) | page.tags
    left_out = {"none": (), "gps": (tiff.GPS_IFD,), "all": (tiff.EXIF_IFD, tiff.GPS_IFD)}
    children = {
        number: child
        for number, child in first.children.items()
        if number not in left_out[options.strip]
    }
    for number in (tiff.EXIF_IFD, tiff.GPS_IFD):
        tags.pop(number, None)
    watermarked = Page(tags, page.pixels, children)
    return Encoded(tiff.write(order, [watermarked, *others]), "TIFF", kept.notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    # Of ``kept`` only the colour profile has its place.
    return encode_image(
        image, "TIFF", compression="tiff_adobe_deflate", icc_profile=kept.icc or None
    )


def _clean_tags(tags: dict[int, Tag], kept: Metadata) -> dict[int, Tag]:
    cleaned = {tiff.XMP: kept.xmp, tiff.PHOTOSHOP: kept.iptc}
    return {
        number: replace(tags[number], kind=1, count=len(value), value=value)
        for number, value in cleaned.items()
        if number in tags
    }


def _strip(page: Page) -> Page:
    tags = {number: tag for number, tag in page.tags.items() if number in tiff.PIXEL_TAGS}
    return Page(tags, page.pixels, {})


def _value(order: str, page: Page, number: int) -> int:
    tag = page.tags.get(number)
    return int.from_bytes(tag.value[:2], "little" if order == "<" else "big") if tag else 1


Rows = Callable[[int, int], bytes]
"""The samples of the rows from one number up to another."""


@dataclass(frozen=True)
class _Raster:
    """A watermarked page: ``rows`` gives its samples, as differences if it is ``compressed``."""

    rows: Rows
    size: Size
    bands: int
    depth: int
    photometric: int
    alpha: bool


def _draw_eight_bits(
    data: bytes,
    overlay: Overlay,
    icc: bytes,
    order: str,  # noqa: ARG001 - as for 16 bits
    compressed: bool,
) -> _Raster:
    source = open_image(data, "TIFF")
    source.load()
    image = to_drawable(source)
    if image.mode not in BASES:
        raise UnsupportedPicture(f"TIFFs with mode {image.mode} aren't supported.")
    overlay.draw(image, icc)
    if image.mode == "YCbCr":
        image = image.convert("RGB")

    def rows(start: int, stop: int) -> bytes:
        part = image.crop((0, start, image.width, stop))
        return (_differences(part) if compressed else part).tobytes()

    photometric = {"C": _INKS, "R": _RGB, "L": _GREY}[image.mode[0]]
    alpha = image.mode in ("LA", "RGBA")
    return _Raster(rows, image.size, len(image.getbands()), 8, photometric, alpha)


def _draw_sixteen_bits(
    data: bytes, overlay: Overlay, icc: bytes, order: str, compressed: bool
) -> _Raster:
    from media_processor.images import sixteen_bit  # 100 ms that pictures of 8 bits don't pay

    image = sixteen_bit.draw(data, "TIFF", overlay, icc)
    rows = sixteen_bit.rows(
        sixteen_bit.differences(image) if compressed else image, big=order == ">"
    )
    inks = image.interpretation == "cmyk"
    photometric = _INKS if inks else _RGB if image.bands > 2 else _GREY
    alpha = image.bands in (2, 4) and not inks
    return _Raster(rows, (image.width, image.height), image.bands, 16, photometric, alpha)


def _build_page(raster: _Raster, order: str, compressed: bool) -> Page:
    width, height = raster.size
    rows = max(1, _STRIP_BYTES // (width * raster.bands * raster.depth // 8))
    tags = {
        tiff.WIDTH: tiff.numbers(order, tiff.LONG, width),
        tiff.HEIGHT: tiff.numbers(order, tiff.LONG, height),
        tiff.BITS: tiff.numbers(order, SHORT, *([raster.depth] * raster.bands)),
        tiff.COMPRESSION: tiff.numbers(order, SHORT, _DEFLATE if compressed else _UNCOMPRESSED),
        tiff.PHOTOMETRIC: tiff.numbers(order, SHORT, raster.photometric),
        tiff.SAMPLES: tiff.numbers(order, SHORT, raster.bands),
        tiff.ROWS: tiff.numbers(order, tiff.LONG, rows),
        tiff.PLANAR: tiff.numbers(order, SHORT, 1),
    }
    if compressed:
        tags[tiff.PREDICTOR] = tiff.numbers(order, SHORT, _DIFFERENCES)
    if raster.alpha:
        tags[tiff.EXTRA] = tiff.numbers(order, SHORT, _UNASSOCIATED_ALPHA)
    strips = (raster.rows(start, min(height, start + rows)) for start in range(0, height, rows))
    return Page(
        tags, tuple(zlib.compress(strip, _LEVEL) if compressed else strip for strip in strips), {}
    )


def _differences(image: Image.Image) -> Image.Image:
    # TIFF 6.0, section 14.
    left = Image.new(image.mode, image.size, (0,) * len(image.getbands()))
    left.paste(image.crop((0, 0, image.width - 1, image.height)), (1, 0))
    return ImageChops.subtract_modulo(image, left)
