"""Draws the overlay into a picture; position, size and angle are computed once."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from PIL import Image, ImageChops

from media_processor.errors import BrokenPicture
from media_processor.images.colour import Base, convert_to_space
from media_processor.images.geometry import Box, corners, tiles, to_stored
from media_processor.images.info import PictureInfo, Size
from media_processor.images.logo import KEPT, KEPT_PIXELS, Artwork, Rotated, turn
from media_processor.images.profile import Blend, Profile

BASES: dict[str, Base] = {
    "L": "L",
    "LA": "L",
    "RGB": "RGB",
    "RGBA": "RGB",
    "YCbCr": "RGB",
    "CMYK": "CMYK",
}
"""The modes of Pillow's that an overlay can be drawn on, each with the one of its colours."""

# A logo of fewer pixels on its longer side is a speck. By default it has as many on a picture of
# 20 pixels a side.
_LEAST_SIDE = 4

Picture = Callable[[Box], Image.Image]
"""Gives the part of a picture in a box of stored coordinates, in any mode."""


@dataclass(frozen=True, eq=False)
class OverlayPixels:
    """``colours`` in the picture's own space and ``alpha`` (L), in stored coordinates."""

    colours: Image.Image
    alpha: Image.Image

    @cached_property
    def samples(self) -> tuple[int, int, list[bytes], bytes]:
        planes = [band.tobytes() for band in self.colours.split()]
        return (*self.alpha.size, planes, self.alpha.tobytes())

    @cached_property
    def covered(self) -> int:
        return sum(self.alpha.histogram()[1:])

    def part(self, whole: Box, inside: Box) -> "OverlayPixels":
        if whole == inside:
            return self
        left, top = inside.left - whole.left, inside.top - whole.top
        area = corners(Box(left, top, inside.width, inside.height))
        return OverlayPixels(self.colours.crop(area), self.alpha.crop(area))


class Overlay:
    """The overlay on one picture, in all its frames."""

    def __init__(self, artworks: Sequence[Artwork], profile: Profile, info: PictureInfo) -> None:
        self._info, self._profile = info, profile
        self._placed = [_Placed(artwork, profile, info) for artwork in artworks]
        self._chosen = self._placed[0] if len(self._placed) == 1 else None
        self._corner = (0, 0)
        self.contrast: float | None = None
        self.pixels = lru_cache(2)(self._render)

    def choose(self, picture: Picture) -> None:
        """Take the variant with the higher contrast to what lies under it; the first call
        decides."""
        if self._chosen is None:
            contrasts = [placed.contrast(picture) for placed in self._placed]
            self.contrast = max(contrasts)
            self._chosen = self._placed[contrasts.index(self.contrast)]

    @property
    def is_too_small(self) -> bool:
        """Whether nobody could tell what it is."""
        boxes = [placed.boxes[0] for placed in self._placed]
        return max(max(box.width, box.height) for box in boxes) < _LEAST_SIDE

    @property
    def is_chosen(self) -> bool:
        return self._chosen is not None

    @property
    def boxes(self) -> list[Box]:
        """Where the overlay goes, in displayed pixels. A tile's may reach over the edges."""
        return self._now.boxes

    @property
    def stored(self) -> list[Box]:
        """The same, in stored pixels."""
        left, top = self._corner
        return [replace(box, left=box.left - left, top=box.top - top) for box in self._now.stored]

    def seen_from(self, part: Box) -> "Overlay":
        """The same overlay on a part of the picture, in stored pixels. Its variant is chosen."""
        seen = copy(self)
        seen._corner = (part.left, part.top)
        seen._info = replace(self._info, width=part.width, height=part.height)
        return seen

    @property
    def blend(self) -> Blend:
        return self._profile.blend

    def draw(self, image: Image.Image, icc: bytes = b"") -> None:
        """``image`` has stored coordinates and one of the modes in BASES.

        Raises BrokenPicture if it hasn't the size that the overlay was placed for.
        """
        if image.size != (self._info.width, self._info.height):
            raise BrokenPicture("The picture's pixels have another size than its header says.")
        self.choose(lambda box: image.crop(corners(box)))
        whole = self.pixels(BASES[image.mode], icc)
        for box in self.stored:
            inside = within(box, image.size)
            if inside.width > 0 and inside.height > 0:
                _draw(image, inside, whole.part(box, inside), self.blend)

    @property
    def _now(self) -> "_Placed":
        if self._chosen is None:
            raise RuntimeError("a variant is chosen when the first frame is drawn")
        return self._chosen

    def _render(self, base: Base, icc: bytes) -> OverlayPixels:
        return self._now.render(self._profile.opacity, base, icc)


class _Placed:
    """An artwork in its places in a picture."""

    def __init__(self, artwork: Artwork, profile: Profile, info: PictureInfo) -> None:
        degrees = profile.rotate + (profile.tile.angle if profile.tile else 0)
        self._artwork = Rotated(artwork, degrees) if degrees % 360 else artwork
        self._orientation = info.orientation
        size = info.displayed_size
        self.boxes = tiles(size, self._artwork.size, profile)
        self.stored = [to_stored(box, size, info.orientation) for box in self.boxes]

    @cached_property
    def image(self) -> Image.Image:
        size = (self.boxes[0].width, self.boxes[0].height)
        return turn(self._artwork.resize_to(size), self._orientation)

    def render(self, opacity: float, base: Base, icc: bytes) -> OverlayPixels:
        size = (self.boxes[0].width, self.boxes[0].height)
        made = _render_cached if size[0] * size[1] <= KEPT_PIXELS else _render
        return made(self._artwork, size, self._orientation, opacity, base, icc)

    def contrast(self, picture: Picture) -> float:
        """WCAG 2's ratio, 1 to 21, of the overlay's mean luminance to that of what it covers."""
        alpha = self.image.getchannel("A")
        ground = picture(self.stored[len(self.stored) // 2]).convert("RGB")
        shares = sorted(
            (_luminance(self.image.convert("RGB"), alpha), _luminance(ground, alpha)), reverse=True
        )
        return (shares[0] + 0.05) / (shares[1] + 0.05)


def _render(
    artwork: Artwork, size: Size, orientation: int, opacity: float, base: Base, icc: bytes
) -> OverlayPixels:
    image = turn(artwork.resize_to(size), orientation)
    alpha = image.getchannel("A")
    if opacity < 1:
        alpha = alpha.point([round(value * opacity) for value in range(256)])
    return OverlayPixels(convert_to_space(image.convert("RGB"), base, icc), alpha)


# One more than sizes of a logo: a camera's pictures come upright and turned.
_render_cached = lru_cache(2 * KEPT)(_render)


def within(box: Box, size: Size) -> Box:
    left, top = max(0, box.left), max(0, box.top)
    right, bottom = min(size[0], box.left + box.width), min(size[1], box.top + box.height)
    return Box(left, top, right - left, bottom - top)


def _draw(image: Image.Image, box: Box, pixels: OverlayPixels, blend: Blend) -> None:
    corner = (box.left, box.top)
    colours = pixels.colours
    if blend != "normal":
        colours = _blend(image.crop(corners(box)), colours, blend)
    if image.mode in ("LA", "RGBA"):
        over = Image.merge(image.mode, (*colours.split(), pixels.alpha))
        image.alpha_composite(over, corner)
    elif image.mode == "YCbCr":
        image.paste(colours.convert("YCbCr"), corner, pixels.alpha)
    else:
        image.paste(colours, corner, pixels.alpha)


def _blend(under: Image.Image, colours: Image.Image, blend: Blend) -> Image.Image:
    # Multiplied or screened as far as what lies under is opaque (W3C Compositing and Blending,
    # section 5).
    # Inks darken where light brightens, so there the two change places.
    multiplies = (blend == "multiply") != (colours.mode == "CMYK")
    meet = ImageChops.multiply if multiplies else ImageChops.screen
    met = meet(under.convert(colours.mode), colours)
    if under.mode in ("LA", "RGBA"):
        return Image.composite(met, colours, under.getchannel("A"))
    return met


def _luminance(image: Image.Image, alpha: Image.Image) -> float:
    # Mean relative luminance (WCAG), 0 to 1.
    if not alpha.getbbox():
        return 0.0
    from PIL import ImageStat  # only variants are measured

    linear = image.point([round(255 * _linear(value / 255)) for value in range(256)] * 3)
    red, green, blue = ImageStat.Stat(linear, alpha).mean
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def _linear(value: float) -> float:
    # IEC 61966-2-1; both are 0 to 1.
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
