"""Redraws the frames of an animation, so that each shows the right picture."""

from collections.abc import Iterable
from typing import Literal

from PIL import Image, ImageChops

from media_processor.images.geometry import Box, corners
from media_processor.images.info import Size
from media_processor.images.overlay import Overlay

Disposal = Literal["keep", "clear", "restore"]


class Screen:
    """What a viewer shows: frame upon frame, each redrawing a part of the one before."""

    def __init__(self, size: Size, overlay: Overlay) -> None:
        self._image, self._overlay = Image.new("RGBA", size), overlay
        # An overlay that an earlier frame drew stays, one that was cleared with its surroundings
        # is drawn again; so is what was cleared beyond what the animation itself clears.
        self._cleared: Box | None = Box(0, 0, *size)
        self._cleared_beyond: Box | None = None

    @property
    def is_settled(self) -> bool:
        """Whether only the frame to come changes it."""
        return self._cleared is None

    def doubtful(self) -> Box | None:
        """Where it may differ from what the next frame, with the overlay, is drawn upon."""
        found = self._cleared_beyond
        if self._cleared:
            found = part_of(self._cleared, self._overlay.stored, found)
        return found

    def part(self, place: Box) -> Image.Image:
        return self._image.crop(corners(place))

    def to_redraw(self, canvas: Image.Image, place: Box) -> Box:
        """What must be redrawn so that ``canvas`` (RGBA) is seen, at least ``place``, the only
        part of it that the next frame changes."""
        area = self.doubtful()
        if area is None:
            return place
        found = difference(self.part(area), canvas.crop(corners(area))).getbbox()
        if found is None:
            return place
        left, top, right, bottom = found
        return around(place, Box(area.left + left, area.top + top, right - left, bottom - top))

    def show(self, canvas: Image.Image, place: Box, own: Box, disposal: Disposal) -> None:
        """Draw ``place``, all that ``to_redraw`` found for the frame's ``own`` place; then dispose
        of it."""
        match disposal:
            case "keep":
                self._image.paste(canvas.crop(corners(place)), (place.left, place.top))
                self._cleared = self._cleared_beyond = None
            case "clear":
                self._image.paste((0, 0, 0, 0), corners(place))
                self._cleared = place
                self._cleared_beyond = place if place != own else None


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


def part_of(place: Box, boxes: Iterable[Box], found: Box | None = None) -> Box | None:
    """The smallest box around what ``boxes`` cover of ``place``, and around ``found``."""
    for box in boxes:
        if part := overlap(place, box):
            found = around(found, part) if found else part
    return found


def overlap(one: Box, other: Box) -> Box | None:
    left, top = max(one.left, other.left), max(one.top, other.top)
    ends = zip(corners(one)[2:], corners(other)[2:], strict=True)
    right, bottom = (min(pair) for pair in ends)
    if right <= left or bottom <= top:
        return None
    return Box(left, top, right - left, bottom - top)
