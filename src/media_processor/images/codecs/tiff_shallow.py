"""Pages of a TIFF that Pillow holds, of at most 8 bits a sample; with the logo none has less than
4."""

import zlib
from dataclasses import replace

from PIL import Image, ImageChops

from media_processor.errors import UnsupportedPicture
from media_processor.images.codecs.tiff_raster import LEVEL, Raster, number
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.containers.tiff_directory import SHORT, numbers
from media_processor.images.geometry import corners
from media_processor.images.overlay import BASES, Overlay, within
from media_processor.images.pillow import open_image, to_drawable

# For what differences don't suit: drawings, text, dithered photographs. Level 6 takes the same
# time there as 3 does for differences; palettes and 16 greys are few bytes, and gain a tenth more.
_LEVEL_OF_PIXELS = 6
_LEVEL_OF_FEW = 8
_GREYS = 4  # bits
_SAMPLE_ROWS = 64
_PALETTE = 256
# An uncompressed page that grows more than this is compressed.
_MOST_GROWTH = 1.6


def decode(order: str, page: Page) -> Image.Image:
    return _drawable(_load(order, page))


def _drawable(image: Image.Image) -> Image.Image:
    image = to_drawable(image)
    if image.mode not in BASES:
        raise UnsupportedPicture(f"TIFFs with mode {image.mode} aren't supported.")
    return image


def _load(order: str, page: Page) -> Image.Image:
    tags = {number: tag for number, tag in page.tags.items() if number in tiff_tags.PIXEL_TAGS}
    source = open_image(tiff.write(order, [Page(tags, page.pixels, {})]), "TIFF")
    source.load()
    return source


def draw(order: str, page: Page, overlay: Overlay, icc: bytes, *, compressed: bool) -> Raster:
    image = _load(order, page)
    photometric = number(order, page, tiff_tags.PHOTOMETRIC)
    if photometric == tiff_tags.INDEXED:
        palette = tiff.values(order, page, tiff_tags.PALETTE)
        if drawn := _draw_on_palette(order, image, palette, overlay, icc):
            return replace(drawn, level=_LEVEL_OF_FEW if compressed else 0)
    image = _drawable(image)
    overlay.draw(image, icc)
    if image.mode == "YCbCr":
        image = image.convert("RGB")
    before = number(order, page, tiff_tags.BITS)
    bands = len(image.getbands())
    if image.mode == "L" and before <= _GREYS and photometric != tiff_tags.INDEXED:
        return _greys(order, image, compressed=compressed or before * _MOST_GROWTH < _GREYS)
    before *= number(order, page, tiff_tags.SAMPLES)
    compressed = compressed or before * _MOST_GROWTH < 8 * bands
    differs = compressed and _differences_are_smaller(image)

    def rows(start: int, stop: int) -> bytes:
        part = image.crop((0, start, image.width, stop))
        return (_differences(part) if differs else part).tobytes()

    photometric = {"C": tiff_tags.INKS, "R": tiff_tags.RGB, "L": tiff_tags.BLACK_IS_ZERO}[
        image.mode[0]
    ]
    tags = {
        tiff_tags.BITS: numbers(order, SHORT, *[8] * bands),
        tiff_tags.SAMPLES: numbers(order, SHORT, bands),
        tiff_tags.PHOTOMETRIC: numbers(order, SHORT, photometric),
    }
    if image.mode in ("LA", "RGBA"):
        tags[tiff_tags.EXTRA] = numbers(order, SHORT, tiff_tags.UNASSOCIATED)
    level = (LEVEL if differs else _LEVEL_OF_PIXELS) if compressed else 0
    return Raster(rows, image.size, image.width * bands, tags, differs, level)


def _greys(order: str, image: Image.Image, *, compressed: bool) -> Raster:
    # Black and white are exact, and so are the greys of 2 and 4 bits.
    few = image.point([round(grey / 17) for grey in range(256)])

    def rows(start: int, stop: int) -> bytes:
        part = few.crop((0, start, few.width, stop))
        return Image.frombytes("P", part.size, part.tobytes()).tobytes("raw", f"P;{_GREYS}")

    tags = {
        tiff_tags.BITS: numbers(order, SHORT, _GREYS),
        tiff_tags.SAMPLES: numbers(order, SHORT, 1),
        tiff_tags.PHOTOMETRIC: numbers(order, SHORT, tiff_tags.BLACK_IS_ZERO),
    }
    row_bytes = -(-image.width * _GREYS // 8)
    level = _LEVEL_OF_FEW if compressed else 0
    return Raster(rows, image.size, row_bytes, tags, differs=False, level=level)


def _draw_on_palette(
    order: str, image: Image.Image, palette: list[int], overlay: Overlay, icc: bytes
) -> Raster | None:
    """With a palette, if the picture leaves half of it to the logo; uncompressed."""
    free = [entry for entry, count in enumerate(image.histogram()) if not count]
    if image.mode != "P" or image.has_transparency_data:
        return None
    if len(free) < _PALETTE // 2 or len(overlay.stored) > 1:
        return None
    overlay.choose(lambda box: image.crop(corners(box)).convert("RGB"))
    place = within(overlay.stored[0], image.size)
    before = image.crop(corners(place)).convert("RGB")
    after = before.copy()
    overlay.seen_from(place).draw(after, icc)
    few = after.quantize(len(free), Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    colours = few.getpalette() or []
    red, green, blue = ImageChops.difference(before, after).split()
    changed = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    changed = changed.point([0] + [255] * 255)
    indices = Image.frombytes("L", image.size, image.tobytes())
    logo = Image.frombytes("L", few.size, few.tobytes()).point((free + [0] * _PALETTE)[:_PALETTE])
    indices.paste(logo, corners(place), changed)

    def rows(start: int, stop: int) -> bytes:
        return indices.crop((0, start, indices.width, stop)).tobytes()

    tags = {
        tiff_tags.BITS: numbers(order, SHORT, 8),
        tiff_tags.SAMPLES: numbers(order, SHORT, 1),
        tiff_tags.PHOTOMETRIC: numbers(order, SHORT, tiff_tags.INDEXED),
        tiff_tags.PALETTE: numbers(order, SHORT, *_with_colours(palette, free, colours)),
    }
    return Raster(rows, image.size, image.width, tags, differs=False, level=0)


def _with_colours(palette: list[int], free: list[int], colours: list[int]) -> list[int]:
    # All reds, then all greens, then all blues, each of 16 bits (TIFF 6.0, section 5).
    count, made = len(palette) // 3, []
    for band in range(3):
        entries = palette[band * count : (band + 1) * count] + [0] * (_PALETTE - count)
        for entry, value in zip(free, colours[band::3], strict=False):
            entries[entry] = value * 257
        made += entries
    return made


def _differences_are_smaller(image: Image.Image) -> bool:
    """Judged by a few rows of each third."""
    sizes = [0, 0]
    for third in range(3):
        top = max(0, (2 * third + 1) * image.height // 6 - _SAMPLE_ROWS // 2)
        part = image.crop((0, top, image.width, min(image.height, top + _SAMPLE_ROWS)))
        for way, pixels in enumerate((part, _differences(part))):
            sizes[way] += len(zlib.compress(pixels.tobytes(), LEVEL))
    return sizes[1] < sizes[0]


def _differences(image: Image.Image) -> Image.Image:
    # TIFF 6.0, section 14.
    left = Image.new(image.mode, image.size, (0,) * len(image.getbands()))
    left.paste(image.crop((0, 0, image.width - 1, image.height)), (1, 0))
    return ImageChops.subtract_modulo(image, left)
