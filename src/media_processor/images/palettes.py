"""The colours of a picture, and pictures as numbers of colours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from PIL import Image

Colour: TypeAlias = tuple[int, int, int]


def frequencies(image: Image.Image, where: Image.Image) -> Counter[Colour]:
    """How often each colour is there where ``where`` is set; ``image`` is opaque there."""
    area = where.getbbox()
    if area is None:
        return Counter()
    seen = Image.new("RGBA", (area[2] - area[0], area[3] - area[1]))
    seen.paste(image.crop(area), (0, 0), where.crop(area))
    found: list[Any] = seen.getcolors(seen.width * seen.height) or []
    return Counter({pixel[:3]: amount for amount, pixel in found if pixel[3]})


def numbered(image: Image.Image, where: Image.Image, numbers: Mapping[Colour, int]) -> Image.Image:
    """The number of each pixel's colour where ``where`` is set; there are at most 256."""
    seen = _only(image, where)
    # Median cut gives up to 256 colours as they are.
    few = seen.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    table = [numbers.get(colour, 0) for colour in _palette(few)]
    return _indices(few).point(table + [0] * (256 - len(table)))


def few_colours(image: Image.Image, where: Image.Image, most: int) -> list[Colour]:
    """At most so many colours that come near to those where ``where`` is set."""
    area = where.getbbox()
    some = _only(image.crop(area), where.crop(area))
    return _palette(some.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))[:most]


def nearest(image: Image.Image, palette: Sequence[Colour]) -> Image.Image:
    """The number of a colour near to each pixel's, if not always the nearest."""
    sample = Image.new("P", (1, 1))
    flat = [value for colour in palette for value in colour]
    sample.putpalette((flat + flat[:3] * 256)[:768])
    mapped = image.convert("RGB").quantize(palette=sample, dither=Image.Dither.NONE)
    return _indices(mapped).point([index if index < len(palette) else 0 for index in range(256)])


def closest(colour: Colour, palette: Sequence[Colour]) -> int:
    red, green, blue = colour
    distances = [(r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2 for r, g, b in palette]
    return distances.index(min(distances))


def _only(image: Image.Image, where: Image.Image) -> Image.Image:
    # As RGB; what lies elsewhere gets a colour that is there as well.
    rgb = image.convert("RGB")
    at = where.tobytes().index(b"\xff")
    seen = Image.new("RGB", rgb.size, rgb.getpixel((at % rgb.width, at // rgb.width)))
    seen.paste(rgb, (0, 0), where)
    return seen


def _palette(image: Image.Image) -> list[Colour]:
    flat = image.getpalette() or []
    return [(flat[at], flat[at + 1], flat[at + 2]) for at in range(0, len(flat), 3)]


def _indices(image: Image.Image) -> Image.Image:
    return Image.frombytes("L", image.size, image.tobytes())
