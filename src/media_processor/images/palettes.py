"""The colours of a picture, and pictures as numbers of colours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from sys import byteorder
from typing import Any, TypeAlias

from PIL import Image

Colour: TypeAlias = tuple[int, int, int]


# So many different ones stand for all that a palette has no room for.
_SOME = 64


class DoesNotFit(Exception):
    """A picture has colours, or alpha, that can't be written as they should."""


class ColourTable:
    """A palette of RGBA colours that grows. Each colour is the number that its four bytes make in
    memory, so that pixels are read as numbers at once."""

    def __init__(self, colours: Sequence[int], room: Sequence[int], worst: float) -> None:
        """``room`` are the numbers that may get other colours; ``worst`` is how far those may be
        off (root mean square of 255) for which there is none."""
        self.colours = list(colours)
        self._room, self._worst = list(room), worst
        taken = dict(enumerate(colours))
        for number in room:
            taken.pop(number, None)
        self._numbers = {colour: number for number, colour in taken.items()}
        self._clear = next((n for colour, n in self._numbers.items() if not _alpha(colour)), None)

    def numbered(self, image: Image.Image) -> Image.Image:
        """The number of each pixel's colour (L). Raises DoesNotFit."""
        pixels = memoryview(image.tobytes()).cast("I")
        if unknown := set(pixels) - self._numbers.keys():
            amounts = Counter(pixels)
            self._add(Counter({colour: amounts[colour] for colour in unknown}))
        return Image.frombytes("L", image.size, bytes(map(self._numbers.__getitem__, pixels)))

    def _add(self, wanted: Counter[int]) -> None:
        for colour in [colour for colour in wanted if not _alpha(colour)]:
            del wanted[colour]
            if self._clear is None:
                self._clear = self._take(0)
            self._numbers[colour] = self._clear
        if len(wanted) > len(self._room):
            self._add_similar(wanted)
        else:
            self._numbers |= {colour: self._take(colour) for colour in wanted}

    def _add_similar(self, wanted: Counter[int]) -> None:
        """A logo's plain colours get half the room, as they are; the others are mixed."""
        total = wanted.total()
        for colour, _ in wanted.most_common(len(self._room) // 2):
            self._numbers[colour] = self._take(colour)
            del wanted[colour]
        raw = b"".join(colour.to_bytes(4, byteorder) for colour in wanted)
        few = Image.frombytes("RGBA", (len(wanted), 1), raw).quantize(
            max(_SOME, len(self._room)), Image.Quantize.FASTOCTREE
        )
        flat = bytes(few.getpalette("RGBA") or [])
        similar = [int.from_bytes(flat[4 * at : 4 * at + 4], byteorder) for at in few.tobytes()]
        amounts = Counter[int]()
        for colour, amount in zip(similar, wanted.values(), strict=True):
            amounts[colour] += amount
        numbers = {
            colour: self._take(colour) if self._room else self._closest(colour)
            for colour, _ in amounts.most_common()
        }
        error = 0.0
        for colour, other in zip(wanted, similar, strict=True):
            number = self._numbers[colour] = numbers[other]
            error += wanted[colour] * _distance(colour, self.colours[number])
        if error > 4 * total * self._worst**2:
            raise DoesNotFit

    def _take(self, colour: int) -> int:
        if not self._room:
            raise DoesNotFit
        number = self._room.pop(0)
        self.colours += [0] * (number + 1 - len(self.colours))
        self.colours[number] = colour
        return number

    def _closest(self, colour: int) -> int:
        return min(self._numbers.values(), key=lambda n: _distance(colour, self.colours[n]))


def _distance(one: int, other: int) -> int:
    pairs = zip(one.to_bytes(4), other.to_bytes(4), strict=True)
    return sum((a - b) ** 2 for a, b in pairs)


def _alpha(colour: int) -> int:
    return colour.to_bytes(4, byteorder)[3]


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
