"""Text as an overlay, drawn at the size that it is needed in."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont, features
from PIL.Image import Resampling

from media_processor.errors import LogoUnavailable
from media_processor.images.info import Size

_MEASURED_AT = 100
_LARGEST = 2000
_SHADOW = 0.05  # of the font's size, to the right and down
_MOST_CHARACTERS = 300

# Of pymupdf-fonts (OFL), which the extra "formats" brings: FiraGO has most living alphabets,
# Noto Sans more of Latin, Greek and Cyrillic, the others signs.
_FALLBACKS = (
    "FiraGO_Regular",
    "NotoSans_Regular",
    "NotoSansSymbols_Regular",
    "NotoSansSymbols2_Regular",
)
# Never a character, so a font draws what it draws for all that it lacks.
_NO_CHARACTER = "\uffff"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
FontOfSize = Callable[[int], Font]


@dataclass(frozen=True)
class Text:
    """One line in ``colour`` with a ``shadow`` (``#rrggbb`` or ``#rrggbbaa``), in the font of a
    file or in Pillow's own (Aileron); in another one if that lacks a character."""

    text: str
    font: Path | None
    colour: str
    shadow: str | None

    @property
    def size(self) -> Size:
        # At some size, as only the aspect matters.
        left, top, right, bottom = self._extent(_MEASURED_AT)
        return max(1, right - left), max(1, bottom - top)

    def resize_to(self, size: Size) -> Image.Image:
        points = max(4, min(_LARGEST, round(_MEASURED_AT * size[0] / self.size[0])))
        left, top, right, bottom = self._extent(points)
        image = Image.new("RGBA", (max(1, right - left), max(1, bottom - top)))
        draw, font = ImageDraw.Draw(image), self._font(points)
        if self.shadow:
            offset = _offset(points)
            draw.text((offset - left, offset - top), self._line, font=font, fill=_rgba(self.shadow))
        over = Image.new("RGBA", image.size)
        ImageDraw.Draw(over).text((-left, -top), self._line, font=font, fill=_rgba(self.colour))
        image.alpha_composite(over)
        return image.resize(size, Resampling.LANCZOS)

    @property
    def _line(self) -> str:
        kept = "".join(c for c in self.text if unicodedata.category(c)[0] != "C")
        return kept[:_MOST_CHARACTERS].strip() or " "

    def _extent(self, points: int) -> tuple[int, int, int, int]:
        box = self._font(points).getbbox(self._line)
        left, top, right, bottom = (round(side) for side in box)
        offset = _offset(points) if self.shadow else 0
        return left, top, right + offset, bottom + offset

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the text as it is drawn."""
        found = []
        if self.missing:
            found.append(
                f"the text's font lacks {self.missing}: boxes were drawn instead; set another font"
            )
        right_to_left = any(unicodedata.bidirectional(c) in ("R", "AL") for c in self._line)
        if right_to_left and not features.check("fribidi"):
            found.append("the text was drawn from left to right, as libfribidi isn't installed")
        return tuple(found)

    @property
    def missing(self) -> str:
        """The characters that no font here has, so that a box is drawn for each."""
        return _choose_font(self.font, self._line)[1]

    def _font(self, points: int) -> Font:
        return _choose_font(self.font, self._line)[0](points)


@lru_cache(maxsize=16)
def _choose_font(file: Path | None, line: str) -> tuple[FontOfSize, str]:
    """The first font that has every character, else the one that lacks the fewest; and those."""
    wanted = partial(_own_font, file)
    best, fewest = wanted, _lacks(wanted, line)
    for name in _FALLBACKS:
        if not fewest:
            break
        try:
            content = import_module(f"pymupdf_fonts.{name}").fontbuffer
        except ImportError:
            break
        font = partial(_font_in, content)
        if len(missing := _lacks(font, line)) < len(fewest):
            best, fewest = font, missing
    return best, fewest


def _own_font(file: Path | None, points: int) -> Font:
    try:
        return ImageFont.truetype(file, points) if file else ImageFont.load_default(points)
    except OSError as error:
        raise LogoUnavailable(f"The font can't be used: {error.strerror or error}.") from None


def _font_in(content: bytes, points: int) -> Font:
    return ImageFont.truetype(BytesIO(content), points)


def _lacks(font_of_size: FontOfSize, line: str) -> str:
    font = font_of_size(_MEASURED_AT)
    box = _glyph(font, _NO_CHARACTER)
    return "".join(dict.fromkeys(c for c in line if not c.isspace() and _glyph(font, c) == box))


def _glyph(font: Font, character: str) -> tuple[Size, bytes]:
    drawn = font.getmask(character)
    return drawn.size, bytes(drawn)


def _offset(points: int) -> int:
    return max(1, round(points * _SHADOW))


def _rgba(colour: str) -> tuple[int, ...]:
    return ImageColor.getcolor(colour, "RGBA")  # type: ignore[return-value]
