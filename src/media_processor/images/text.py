"""Text as an overlay, drawn at the size that it is needed in."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.Image import Resampling

from media_processor.errors import LogoUnavailable
from media_processor.images.info import Size

_MEASURED_AT = 100
_LARGEST = 2000
_SHADOW = 0.05  # of the font's size, to the right and down
_MOST_CHARACTERS = 300

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Text:
    """One line in ``colour`` with a ``shadow`` (``#rrggbb`` or ``#rrggbbaa``), in the font of a
    file or in Pillow's own (Aileron)."""

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

    def _font(self, points: int) -> Font:
        try:
            if self.font:
                return ImageFont.truetype(self.font, points)
            return ImageFont.load_default(points)
        except OSError as error:
            raise LogoUnavailable(f"The font can't be used: {error.strerror or error}.") from None


def _offset(points: int) -> int:
    return max(1, round(points * _SHADOW))


def _rgba(colour: str) -> tuple[int, ...]:
    return ImageColor.getcolor(colour, "RGBA")  # type: ignore[return-value]
