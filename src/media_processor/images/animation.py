"""Redraws the frames of an animation, so that each shows the right picture."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

from PIL import Image, ImageChops

from media_processor.images.geometry import Box, corners
from media_processor.images.info import Size
from media_processor.images.overlay import Overlay, within

Disposal = Literal["keep", "clear", "restore"]


@dataclass(frozen=True)
class Redrawn:
    """``image`` is what a frame draws in ``place``, ``over`` what is there or instead of it. Where
    ``own`` (L) is set its pixels are those of the frame as it came."""

    place: Box
    image: Image.Image
    own: Image.Image
    over: bool


class Screen:
    """What a viewer shows: frame upon frame, each redrawing a part of the one before.

    It is RGBA, or LA if ``mode`` says so, as is all that it is compared with. What is redrawn
    begins at multiples of ``step``.
    """

    def __init__(self, size: Size, overlay: Overlay, mode: str = "RGBA", step: int = 1) -> None:
        self._image, self._overlay, self._step = Image.new(mode, size), overlay, step
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

    @property
    def area(self) -> Box:
        """Around everything that isn't, or may not be, as in the source."""
        boxes = [within(box, self._image.size) for box in self._overlay.stored]
        doubtful = self.doubtful()
        return reduce(around, boxes + ([doubtful] if doubtful else []))

    def is_untouched(self, own: Box) -> bool:
        """Whether a frame there, drawn as it is, shows what it should."""
        return self.doubtful() is None and not part_of(own, self._overlay.stored)

    def part(self, place: Box) -> Image.Image:
        return self._image.crop(corners(place))

    def to_redraw(self, canvas: Image.Image, place: Box) -> Box:
        """What must be redrawn so that ``canvas`` is seen, at least ``place``, the only
        part of it that the next frame changes."""
        area = self.doubtful()
        if area is None:
            return place
        found = difference(self.part(area), canvas.crop(corners(area))).getbbox()
        if found is None:
            return place
        left, top = (
            start + at - (start + at) % self._step
            for start, at in ((area.left, found[0]), (area.top, found[1]))
        )
        right, bottom = area.left + found[2], area.top + found[3]
        return around(place, Box(left, top, right - left, bottom - top))

    def redraw(
        self,
        frame: Image.Image,
        own: Box,
        canvas: Image.Image,
        plain: Image.Image,
        was: Image.Image | None = None,
    ) -> Redrawn | None:
        """How ``frame``, whose own place is ``own``, is drawn so that ``canvas`` is seen, or None
        if it may stay. ``plain`` is ``canvas`` without the overlay, in the area; ``was`` what the
        source shows there before, given if the frame is drawn over it.

        Outside the area the frame stays as it is, and inside wherever that is right, as viewers
        don't agree on how colours are rounded when one is drawn over another.
        """
        area, place = self.area, self.to_redraw(canvas, own)
        work = overlap(place, area)
        if work is None:
            return None
        at_work, in_area = (corners(relative(work, box)) for box in (place, area))
        now = canvas.crop(corners(work))
        mine = Image.new("L", (place.width, place.height))
        mine.paste(255, corners(relative(own, place)))
        covered = difference(plain.crop(in_area), now).point(any_to_full)
        left = ImageChops.subtract(mine.crop(at_work), covered)
        if was is None:
            image, patch = canvas.crop(corners(place)), now
        else:
            shown = self.part(work)
            changed = difference(was.crop(in_area), shown).point(any_to_full)
            left = ImageChops.subtract(left, changed)
            need = ImageChops.subtract(difference(shown, now).point(any_to_full), left)
            if ImageChops.darker(need, ImageChops.invert(now.getchannel("A"))).getbbox():
                # What is half clear can't be drawn over something else.
                return Redrawn(place, canvas.crop(corners(place)), Image.new("L", mine.size), False)
            image, patch = Image.new(canvas.mode, mine.size), Image.new(canvas.mode, now.size)
            image.paste(frame, corners(relative(own, place)))
            patch.paste(image.crop(at_work), (0, 0), left)
            patch.paste(now, (0, 0), need)
        if place == own and not difference(patch, frame.crop(at_work)).getbbox():
            return None
        image.paste(patch, at_work)
        mine.paste(left, at_work)
        return Redrawn(place, image, mine, was is not None)

    def show(self, canvas: Image.Image, place: Box, own: Box, disposal: Disposal) -> None:
        """Draw ``place``, all that ``to_redraw`` found for the frame's ``own`` place; then dispose
        of it."""
        match disposal:
            case "keep":
                self._image.paste(canvas.crop(corners(place)), (place.left, place.top))
                self._cleared = self._cleared_beyond = None
            case "clear":
                clear(self._image, place)
                self._cleared = place
                self._cleared_beyond = place if place != own else None


def difference(one: Image.Image, other: Image.Image) -> Image.Image:
    """0 (in L) where two pictures with alpha look the same. Invisible pixels are all equal."""
    *colours, alpha = ImageChops.difference(one, other).split()
    most = colours[0]
    for band in colours[1:]:
        most = ImageChops.lighter(most, band)
    seen = ImageChops.lighter(one.getchannel("A"), other.getchannel("A")).point(any_to_full)
    return ImageChops.lighter(ImageChops.darker(most, seen), alpha)


def any_to_full(value: int) -> int:
    return 255 if value else 0


def clear(image: Image.Image, place: Box) -> None:
    image.paste(Image.new(image.mode, (place.width, place.height)), corners(place))


def relative(box: Box, whole: Box) -> Box:
    return replace(box, left=box.left - whole.left, top=box.top - whole.top)


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
