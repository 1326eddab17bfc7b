"""Redraws the frames of an animation, so that each shows the right picture."""

from typing import Literal

from PIL import Image, ImageChops

from media_processor.images.geometry import Box, corners
from media_processor.images.info import Size

Disposal = Literal["keep", "clear", "restore"]


class Screen:
    """What a viewer shows: frame upon frame, each redrawing a part of the one before."""

    def __init__(self, size: Size) -> None:
        self._image = Image.new("RGBA", size)
        # Where it may differ from what the next frame is drawn upon: an overlay that an earlier
        # frame drew stays, one that was cleared with its surroundings is drawn again.
        self.doubtful: Box | None = Box(0, 0, *size)

    def part(self, place: Box) -> Image.Image:
        return self._image.crop(corners(place))

    def to_redraw(self, canvas: Image.Image, place: Box) -> Box:
        """What must be redrawn so that ``canvas`` (RGBA) is seen, at least ``place``, the only
        part of it that the next frame changes."""
        if self.doubtful is None:
            return place
        area = self.doubtful
        found = difference(self.part(area), canvas.crop(corners(area))).getbbox()
        if found is None:
            return place
        left, top, right, bottom = found
        return around(place, Box(area.left + left, area.top + top, right - left, bottom - top))

    def show(self, canvas: Image.Image, place: Box, disposal: Disposal) -> None:
        """Draw ``place``, which is all that ``to_redraw`` found; then dispose of it."""
        match disposal:
            case "keep":
                self._image.paste(canvas.crop(corners(place)), (place.left, place.top))
                self.doubtful = None
            case "clear":
                self._image.paste((0, 0, 0, 0), corners(place))
                self.doubtful = place


def difference(one: Image.Image, other: Image.Image) -> Image.Image:
    """0 (in L) where two RGBA pictures look the same. Invisible pixels are all equal."""
    *colours, alpha = ImageChops.difference(one, other).split()
    most = colours[0]
    for band in colours[1:]:
        most = ImageChops.lighter(most, band)
    seen = ImageChops.lighter(one.getchannel("A"), other.getchannel("A")).point(any_to_full)
    return ImageChops.lighter(ImageChops.darker(most, seen), alpha)


def any_to_full(value: int) -> int:
    return 255 if value else 0


def around(one: Box, other: Box) -> Box:
    """The smallest box that has both in it."""
    left, top = min(one.left, other.left), min(one.top, other.top)
    ends = zip(corners(one)[2:], corners(other)[2:], strict=True)
    right, bottom = (max(pair) for pair in ends)
    return Box(left, top, right - left, bottom - top)


def overlap(one: Box, other: Box) -> Box | None:
    left, top = max(one.left, other.left), max(one.top, other.top)
    ends = zip(corners(one)[2:], corners(other)[2:], strict=True)
    right, bottom = (min(pair) for pair in ends)
    if right <= left or bottom <= top:
        return None
    return Box(left, top, right - left, bottom - top)
