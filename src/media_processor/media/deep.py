"""Pictures of 16 bits a sample, which Pillow can't hold, by way of libvips."""

import sys
from typing import Literal

import pyvips
from pyvips.enums import BandFormat

from media_processor.media.colour import Base
from media_processor.media.stamp import Stamp

# One picture process works on one picture; its threads would only take each other's time.
pyvips.cache_set_max(0)

_FULL = 65_535


def opened(data: bytes, kind: Literal["PNG", "TIFF"]) -> pyvips.Image:
    """Open by the loader of one format; raises pyvips.Error once pixels turn out damaged."""
    loads = {"PNG": pyvips.Image.pngload_buffer, "TIFF": pyvips.Image.tiffload_buffer}
    return loads[kind](data, fail_on="error")


def png(image: pyvips.Image, level: int) -> bytes:
    """A PNG of 16 bits without metadata, compressed with zlib's ``level``."""
    return bytes(image.pngsave_buffer(compression=level, bitdepth=16, filter="all", keep="none"))


def draw(image: pyvips.Image, stamp: Stamp, icc: bytes = b"") -> pyvips.Image:
    """``image`` (ushort, 1 to 4 bands) with the mark, in stored coordinates.

    Two bands and four are taken for a colour and its opacity, unless the four are inks.
    """
    inks = image.interpretation == "cmyk"
    base: Base = "CMYK" if inks else "RGB" if image.bands > 2 else "L"
    colours, alpha = stamp.mark(base, icc)
    place = stamp.stored
    mark = _from_pillow(colours.tobytes(), place.width, place.height, len(colours.getbands())) * 257
    cover = _from_pillow(alpha.tobytes(), place.width, place.height, 1) / 255
    under = image.crop(place.left, place.top, place.width, place.height)
    if image.bands in (2, 4) and not inks:
        opacity = under[image.bands - 1] / _FULL
        result = cover + opacity * (1 - cover)
        colour = under[0 : image.bands - 1]
        mixed = (mark * cover + colour * opacity * (1 - cover)) / result
        over = mixed.bandjoin(result * _FULL)
    else:
        over = mark * cover + under * (1 - cover)
    over = (cover > 0).ifthenelse(over.rint().cast(BandFormat.USHORT), under)
    return image.insert(over, place.left, place.top)


def _from_pillow(data: bytes, width: int, height: int, bands: int) -> pyvips.Image:
    return pyvips.Image.new_from_memory(data, width, height, bands, BandFormat.UCHAR)


def differences(image: pyvips.Image) -> pyvips.Image:
    """Each pixel less its left neighbour, modulo 65,536 (TIFF 6.0, section 14)."""
    left = image.embed(1, 0, image.width, image.height)
    return ((image - left) & _FULL).cast(BandFormat.USHORT)


def raw(image: pyvips.Image, *, big: bool) -> bytes:
    """The samples, row by row, the high byte first if ``big``."""
    return bytes(
        (image.byteswap() if big == (sys.byteorder == "little") else image).write_to_memory()
    )
