"""Pictures of 16 bits a sample, which Pillow can't hold, by way of libvips."""

import sys
from collections.abc import Callable
from typing import Literal

import pyvips
from PIL import Image, ImageChops
from pyvips.enums import BandFormat

from media_processor.images.colour import Base
from media_processor.images.geometry import Box, corners
from media_processor.images.info import Size
from media_processor.images.overlay import Overlay, OverlayPixels, within
from media_processor.images.profile import Blend

# One picture process works on one picture; its threads would only take each other's time.
pyvips.cache_set_max(0)

_FULL = 65_535


def open_image(data: bytes, kind: Literal["PNG", "TIFF"]) -> pyvips.Image:
    """Open by the loader of one format; raises pyvips.Error once pixels turn out damaged.

    The rows can be read once, from top to bottom, so that they needn't all be in memory.
    """
    loads = {"PNG": pyvips.Image.pngload_buffer, "TIFF": pyvips.Image.tiffload_buffer}
    return loads[kind](data, fail_on="error", access="sequential")


def encode_png(image: pyvips.Image, level: int) -> bytes:
    return bytes(image.pngsave_buffer(compression=level, bitdepth=16, filter="all", keep="none"))


def draw(
    data: bytes, kind: Literal["PNG", "TIFF"], overlay: Overlay, icc: bytes = b""
) -> pyvips.Image:
    """The picture in ``data`` (ushort, 1 to 4 bands) with the overlay, in stored coordinates.

    Two bands and four are taken for a colour and its opacity, unless the four are inks.
    """
    overlay.choose(lambda box: _crop_to_eight_bits(open_image(data, kind), box))
    image = open_image(data, kind)
    inks = image.interpretation == "cmyk"
    base: Base = "CMYK" if inks else "RGB" if image.bands > 2 else "L"
    place, placed = _merge(overlay, base, icc, (image.width, image.height))
    colours = _from_pillow(placed.colours, len(placed.colours.getbands())) * 257
    cover = _from_pillow(placed.alpha, 1) / 255
    under = open_image(data, kind).crop(place.left, place.top, place.width, place.height)
    if image.bands in (2, 4) and not inks:
        opacity = under[image.bands - 1] / _FULL
        colour = under[0 : image.bands - 1]
        met = _blend(colour, colours, overlay.blend, inks=inks)
        colours = colours * (1 - opacity) + met * opacity
        result = cover + opacity * (1 - cover)
        mixed = (colours * cover + colour * opacity * (1 - cover)) / result
        over = mixed.bandjoin(result * _FULL)
    else:
        over = _blend(under, colours, overlay.blend, inks=inks) * cover + under * (1 - cover)
    over = (cover > 0).ifthenelse(over.rint().cast(BandFormat.USHORT), under)
    return image.insert(over.copy_memory(), place.left, place.top)


def _blend(under: pyvips.Image, colours: pyvips.Image, blend: Blend, *, inks: bool) -> pyvips.Image:
    # As overlay.py has it for 8 bits.
    if blend == "normal":
        return colours
    product = under * colours / _FULL
    multiplies = (blend == "multiply") != inks
    return product if multiplies else under + colours - product


def _merge(overlay: Overlay, base: Base, icc: bytes, size: Size) -> tuple[Box, OverlayPixels]:
    # A tile's many overlays become one of the picture's size.
    pixels = overlay.pixels(base, icc)
    if len(overlay.stored) == 1:
        return overlay.stored[0], pixels
    whole = OverlayPixels(Image.new(base, size), Image.new("L", size))
    for box in overlay.stored:
        inside = within(box, size)
        part = pixels.part(box, inside)
        whole.colours.paste(part.colours, (inside.left, inside.top), part.alpha.point(_any))
        # Turned overlays overlap with their empty corners only.
        both = ImageChops.lighter(whole.alpha.crop(corners(inside)), part.alpha)
        whole.alpha.paste(both, (inside.left, inside.top))
    return Box(0, 0, *size), whole


def _any(value: int) -> int:
    return 255 if value else 0


def _crop_to_eight_bits(image: pyvips.Image, box: Box) -> Image.Image:
    inside = within(box, (image.width, image.height))
    part = image.crop(inside.left, inside.top, inside.width, inside.height)
    shallow = (part / 257).cast(BandFormat.UCHAR)
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "CMYK" if image.interpretation == "cmyk" else "RGBA"}
    size = (inside.width, inside.height)
    seen = Image.frombytes(modes[image.bands], size, shallow.write_to_memory())
    whole = Image.new(seen.mode, (box.width, box.height))
    whole.paste(seen, (inside.left - box.left, inside.top - box.top))
    return whole


def _from_pillow(image: Image.Image, bands: int) -> pyvips.Image:
    return pyvips.Image.new_from_memory(
        image.tobytes(), image.width, image.height, bands, BandFormat.UCHAR
    )


def differences(image: pyvips.Image) -> pyvips.Image:
    # TIFF 6.0, section 14.
    left = image.embed(1, 0, image.width, image.height)
    return ((image - left) & _FULL).cast(BandFormat.USHORT)


def rows(image: pyvips.Image, *, big: bool) -> Callable[[int, int], bytes]:
    """Gives the samples of the rows from one number up to another, which must be the next;
    the high byte first if ``big``."""
    foreign = big == (sys.byteorder == "little")
    region = pyvips.Region.new(image.byteswap() if foreign else image)

    def fetch(start: int, stop: int) -> bytes:
        return bytes(region.fetch(0, start, image.width, stop - start))

    return fetch
