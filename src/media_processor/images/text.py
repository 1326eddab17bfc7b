"""Text as an overlay, drawn at the size that it is needed in."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, features
from PIL.Image import Resampling

from media_processor.images.fonts import MEASURED_AT, Font, choose, is_from_the_right
from media_processor.images.info import Size

_LARGEST = 2000
_SHADOW = 0.05  # of the font's size, to the right and down
_MOST_CHARACTERS = 300

# They choose between a sign's coloured and its plain form, and a font has no glyph for them.
_VARIATIONS = re.compile("[\ufe00-\ufe0f]")


@dataclass(frozen=True)
class Text:
    """One line in ``colour`` with a ``shadow`` (``#rrggbb`` or ``#rrggbbaa``), in the font of a
    file or in Pillow's own (Aileron); what that lacks in other ones (fonts.py)."""

    text: str
    font: Path | None
    colour: str
    shadow: str | None

    @property
    def size(self) -> Size:
        # At some size, as only the aspect matters.
        left, top, right, bottom = self._extent(MEASURED_AT)
        return max(1, right - left), max(1, bottom - top)

    def resize_to(self, size: Size) -> Image.Image:
        points = max(4, min(_LARGEST, round(MEASURED_AT * size[0] / self.size[0])))
        left, top, right, bottom = self._extent(points)
        image = Image.new("RGBA", (max(1, right - left), max(1, bottom - top)))
        if self.shadow:
            offset = _offset(points)
            self._draw(image, points, (offset - left, offset - top), self.shadow)
        over = Image.new("RGBA", image.size)
        self._draw(over, points, (-left, -top), self.colour)
        image.alpha_composite(over)
        return image.resize(size, Resampling.LANCZOS)

    def _draw(self, image: Image.Image, points: int, at: tuple[int, int], colour: str) -> None:
        draw = ImageDraw.Draw(image)
        for right, font, text in self._runs(points):
            place = (at[0] + right, at[1])
            draw.text(place, text, font=font, fill=_rgba(colour), anchor="ls")

    def _runs(self, points: int) -> Iterator[tuple[float, Font, str]]:
        """Each with how far it begins to the right; all stand on one line."""
        right = 0.0
        for run in choose(self.font, self._line).runs:
            font = run.font(points)
            yield right, font, run.text
            right += font.getlength(run.text)

    @property
    def _line(self) -> str:
        text = _VARIATIONS.sub("", self.text)
        kept = "".join(c for c in text if unicodedata.category(c)[0] != "C")
        return kept[:_MOST_CHARACTERS].strip() or " "

    def _extent(self, points: int) -> tuple[int, int, int, int]:
        boxes = []
        for right, font, text in self._runs(points):
            box = font.getbbox(text, anchor="ls")
            boxes.append((box[0] + right, box[1], box[2] + right, box[3]))
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        offset = _offset(points) if self.shadow else 0
        return (
            round(min(lefts)),
            round(min(tops)),
            round(max(rights)) + offset,
            round(max(bottoms)) + offset,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What is wrong with the text as it is drawn."""
        found = []
        if self.missing:
            found.append(
                f"the text's font lacks {self.missing}: boxes were drawn instead; set another font"
            )
        if is_from_the_right(self._line) and not features.check("fribidi"):
            found.append("the text was drawn from left to right, as libfribidi isn't installed")
        return tuple(found)

    @property
    def missing(self) -> str:
        """The characters that no font here has, so that a box is drawn for each."""
        return choose(self.font, self._line).missing


def _offset(points: int) -> int:
    return max(1, round(points * _SHADOW))


def _rgba(colour: str) -> tuple[int, ...]:
    return ImageColor.getcolor(colour, "RGBA")  # type: ignore[return-value]
