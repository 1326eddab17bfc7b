"""Draws the mark into a picture: where, how large and how turned is settled once."""

from functools import cached_property, lru_cache

from PIL import Image

from media_processor.media.colour import Base, in_space_of
from media_processor.media.facts import PictureFacts
from media_processor.media.logo import Logo
from media_processor.media.placement import Box, place, to_stored
from media_processor.media.profile import Profile

_BASES: dict[str, Base] = {
    "L": "L",
    "LA": "L",
    "RGB": "RGB",
    "RGBA": "RGB",
    "YCbCr": "RGB",
    "CMYK": "CMYK",
}
MODES = frozenset(_BASES)
"""The modes of Pillow's that a mark can be drawn on."""


class Stamp:
    """For one picture, all its frames. ``box`` is in displayed pixels, ``stored`` in stored."""

    def __init__(self, logo: Logo, profile: Profile, facts: PictureFacts) -> None:
        self.box: Box = place(facts.displayed_size, logo.size, profile)
        self.stored = to_stored(self.box, facts.displayed_size, facts.orientation)
        self._logo, self._orientation = logo, facts.orientation
        self.mark = lru_cache(2)(self._mark)

    @cached_property
    def image(self) -> Image.Image:
        """The mark as RGBA in sRGB, of the size of ``stored``."""
        return self._logo.sized((self.box.width, self.box.height), self._orientation)

    def _mark(self, base: Base, icc: bytes) -> tuple[Image.Image, Image.Image]:
        """The mark's colours as ``base`` in the picture's space, and its alpha as L."""
        return in_space_of(self.image.convert("RGB"), base, icc), self.image.getchannel("A")

    def draw(self, image: Image.Image, icc: bytes = b"") -> None:
        """Draw the mark into ``image``, which has stored coordinates and one of MODES."""
        colours, alpha = self.mark(_BASES[image.mode], icc)
        corner = (self.stored.left, self.stored.top)
        if image.mode in ("LA", "RGBA"):
            mark = Image.merge(image.mode, (*colours.split(), alpha))
            image.alpha_composite(mark, corner)
        elif image.mode == "YCbCr":
            image.paste(colours.convert("YCbCr"), corner, alpha)
        else:
            image.paste(colours, corner, alpha)
