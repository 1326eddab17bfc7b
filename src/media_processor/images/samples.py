"""Pictures whose samples Pillow can't hold, by way of libvips: deep ones, floating point, Lab."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import pyvips
from PIL import Image, ImageChops
from pyvips.enums import BandFormat

from media_processor.images.colour import Base, lab_to_srgb
from media_processor.images.geometry import Box, corners
from media_processor.images.info import Size
from media_processor.images.overlay import Overlay, OverlayPixels, within
from media_processor.images.profile import Blend

# One picture process works on one picture; its threads would only take each other's time.
pyvips.cache_set_max(0)

_WHOLE_NUMBERS = {BandFormat.UCHAR: 0xFF, BandFormat.USHORT: 0xFFFF}
_FLOATS = {BandFormat.FLOAT, BandFormat.DOUBLE}


Alpha: TypeAlias = Literal["straight", "associated"] | None


@dataclass(frozen=True)
class Layout:
    """What the samples of a pixel mean: the colours, then an alpha, then what is only kept.

    ``white`` and ``black`` are the highest and lowest number of each colour, ``opaque`` the
    alpha's; ``flips`` are XORed with the colours first, which makes signed ones unsigned.
    ``is_linear``: in proportion to light, unlike sRGB.
    """

    base: Base
    white: tuple[float, ...]
    black: float = 0
    alpha: Alpha = None
    opaque: float = 1
    flips: tuple[int, ...] = ()
    is_linear: bool = False


class Source(Protocol):
    """The samples of a picture, which is read from top to bottom, each time anew."""

    @property
    def size(self) -> Size: ...

    def part(self, box: Box) -> pyvips.Image: ...

    def with_part(self, part: pyvips.Image, box: Box) -> pyvips.Image:
        """As it is stored; ``part`` took the place of what was in ``box``."""


class Plain:
    """A picture that libvips holds as it is stored. ``reopen`` opens it."""

    def __init__(self, reopen: Callable[[], pyvips.Image]) -> None:
        self._reopen, image = reopen, reopen()
        self.size: Size = image.width, image.height
        self.bands: int = image.bands

    def part(self, box: Box) -> pyvips.Image:
        return self._reopen().crop(box.left, box.top, box.width, box.height)

    def with_part(self, part: pyvips.Image, box: Box) -> pyvips.Image:
        return self._reopen().insert(part.copy_memory(), box.left, box.top)


def open_image(data: bytes, kind: Literal["PNG", "TIFF"]) -> pyvips.Image:
    """Open by the loader of one format; raises pyvips.Error once pixels turn out damaged.

    The rows can be read once, from top to bottom, so that they needn't all be in memory.
    """
    loads = {"PNG": pyvips.Image.pngload_buffer, "TIFF": pyvips.Image.tiffload_buffer}
    # Only so does a tile that can't be decoded count as an error.
    fail_on = "warning" if kind == "TIFF" else "error"
    return loads[kind](data, fail_on=fail_on, access="sequential")


def png_layout(bands: int) -> Layout:
    full = 65_535
    colours = 3 if bands > 2 else 1
    return Layout(
        base="RGB" if colours == 3 else "L",
        white=(full,) * colours,
        alpha="straight" if bands > colours else None,
        opaque=full,
    )


def encode_png(image: pyvips.Image, level: int) -> bytes:
    return bytes(image.pngsave_buffer(compression=level, bitdepth=16, filter="all", keep="none"))


def draw(source: Source, overlay: Overlay, icc: bytes, layout: Layout) -> pyvips.Image:
    """The picture with the overlay, in stored coordinates, as it is stored."""
    overlay.choose(lambda box: _crop_to_eight_bits(source, box, layout))
    place, placed = _merge(overlay, layout.base, icc, source.size)
    under = source.part(place)
    return source.with_part(_composite(under, placed, overlay.blend, layout), place)


def to_eight_bits(samples: pyvips.Image, layout: Layout) -> Image.Image:
    """In a mode of Pillow's, for a person to see."""
    colours = _colours(samples, layout)
    if layout.alpha:
        opacity = _opacity(samples, layout)
        if layout.alpha == "associated":
            colours = (opacity > 0).ifthenelse(colours / opacity, 0)
    if layout.is_linear:
        low = colours <= 0.0031308
        colours = low.ifthenelse(colours * 12.92, colours ** (1 / 2.4) * 1.055 - 0.055)
    if layout.alpha and layout.base in ("L", "RGB"):
        colours = colours.bandjoin(opacity)
    shallow = (colours * 255).rint().cast(BandFormat.UCHAR)
    mode = layout.base + ("A" if shallow.bands > len(layout.white) else "")
    size = samples.width, samples.height
    if mode == "LAB":
        bands = Image.frombytes("RGB", size, shallow.write_to_memory()).split()
        return lab_to_srgb(Image.merge("LAB", bands))
    return Image.frombytes(mode, size, shallow.write_to_memory())


def _composite(
    under: pyvips.Image, placed: OverlayPixels, blend: Blend, layout: Layout
) -> pyvips.Image:
    # W3C Compositing and Blending, section 5; every number here is 0 to 1.
    count = len(layout.white)
    now = _colours(under, layout)
    colours = _from_pillow(placed.colours, count) / 255
    if layout.is_linear:
        low = colours <= 0.04045
        colours = low.ifthenelse(colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    cover = _from_pillow(placed.alpha, 1) / 255
    inks = layout.base == "CMYK"
    others = [under[band] for band in range(count + (layout.alpha is not None), under.bands)]
    if layout.alpha is None:
        mixed = _blend(now, colours, blend, inks=inks) * cover + now * (1 - cover)
        joined = _numbers(mixed, layout, under.format)
    else:
        opacity = _opacity(under, layout)
        straight = layout.alpha == "straight"
        ground = now if straight else (opacity > 0).ifthenelse(now / opacity, 0)
        met = _blend(ground, colours, blend, inks=inks)
        colours = colours * (1 - opacity) + met * opacity
        result = cover + opacity * (1 - cover)
        mixed = colours * cover + (now * opacity if straight else now) * (1 - cover)
        mixed = mixed / result if straight else mixed
        alpha = _rounded(result * layout.opaque, under.format)
        joined = _numbers(mixed, layout, under.format).bandjoin(alpha)
    return (cover > 0).ifthenelse(joined.bandjoin(others) if others else joined, under)


def _colours(samples: pyvips.Image, layout: Layout) -> pyvips.Image:
    found = samples[0 : len(layout.white)]
    if layout.flips:
        found = found ^ list(layout.flips)
    spans = [white - layout.black for white in layout.white]
    return (found.cast(BandFormat.DOUBLE) - layout.black) / spans


def _numbers(colours: pyvips.Image, layout: Layout, kind: str) -> pyvips.Image:
    spans = [white - layout.black for white in layout.white]
    found = _rounded(colours * spans + layout.black, kind)
    return found ^ list(layout.flips) if layout.flips else found


def _opacity(samples: pyvips.Image, layout: Layout) -> pyvips.Image:
    return samples[len(layout.white)].cast(BandFormat.DOUBLE) / layout.opaque


def _rounded(image: pyvips.Image, kind: str) -> pyvips.Image:
    return (image if kind in _FLOATS else image.rint()).cast(kind)


def _blend(under: pyvips.Image, colours: pyvips.Image, blend: Blend, *, inks: bool) -> pyvips.Image:
    # As overlay.py has it for 8 bits.
    if blend == "normal":
        return colours
    product = under * colours
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


def _crop_to_eight_bits(source: Source, box: Box, layout: Layout) -> Image.Image:
    inside = within(box, source.size)
    seen = to_eight_bits(source.part(inside), layout)
    whole = Image.new(seen.mode, (box.width, box.height))
    whole.paste(seen, (inside.left - box.left, inside.top - box.top))
    return whole


def _from_pillow(image: Image.Image, bands: int) -> pyvips.Image:
    if image.mode == "LAB":  # whose bytes Pillow would give with signed a and b
        image = Image.merge("RGB", image.split())
    return pyvips.Image.new_from_memory(
        image.tobytes(), image.width, image.height, bands, BandFormat.UCHAR
    )


def can_differ(image: pyvips.Image) -> bool:
    """Whether ``differences`` are worth it, and any reader knows them."""
    return image.format in _WHOLE_NUMBERS


def differences(image: pyvips.Image) -> pyvips.Image:
    # TIFF 6.0, section 14.
    left = image.embed(1, 0, image.width, image.height)
    return ((image - left) & _WHOLE_NUMBERS[image.format]).cast(image.format)


def rows(image: pyvips.Image, *, big: bool) -> Callable[[int, int], bytes]:
    """Gives the samples of the rows from one number up to another, which must be the next;
    the high byte first if ``big``."""
    foreign = big == (sys.byteorder == "little")
    region = pyvips.Region.new(image.byteswap() if foreign else image)

    def fetch(start: int, stop: int) -> bytes:
        return bytes(region.fetch(0, start, image.width, stop - start))

    return fetch
