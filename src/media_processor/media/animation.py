"""Frames of an animation that are drawn again so that each shows what it should."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageChops

from media_processor.media.placement import Box, corners

Disposal = Literal["keep", "clear", "restore"]


@dataclass(frozen=True)
class Shown:
    """``canvas`` (RGBA) is what is seen while a frame is shown that redraws ``place``;
    ``disposal`` is what becomes of ``place`` behind it."""

    canvas: Image.Image
    place: Box
    disposal: Disposal


def redrawn(frames: Iterable[Shown]) -> Iterator[tuple[Box, Image.Image]]:
    """For each frame what it must redraw, and the canvas as it is before that.

    At least its own place, and whatever else isn't seen as it should be: a mark that an
    earlier frame drew stays, one that was cleared with its surroundings is drawn again.
    """
    before: Image.Image | None = None
    for frame in frames:
        if before is None:
            before = Image.new("RGBA", frame.canvas.size)
        place = around(frame.place, difference(before, frame.canvas).getbbox())
        yield place, before
        if frame.disposal != "restore":
            before = frame.canvas.copy()
        if frame.disposal == "clear":
            before.paste((0, 0, 0, 0), corners(place))


def difference(one: Image.Image, other: Image.Image) -> Image.Image:
    """How much the pixels of two RGBA pictures differ (L); invisible ones are all equal."""
    bands = ImageChops.difference(_seen(one), _seen(other)).split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    return most


def around(box: Box, other: tuple[int, int, int, int] | None) -> Box:
    """The smallest box that holds both."""
    if other is None:
        return box
    left, top = min(box.left, other[0]), min(box.top, other[1])
    right, bottom = (max(pair) for pair in zip(corners(box)[2:], other[2:], strict=True))
    return Box(left, top, right - left, bottom - top)


def _seen(image: Image.Image) -> Image.Image:
    """The same picture, black where it is transparent."""
    seen = Image.new("RGBA", image.size)
    opaque = image.getchannel("A").point(lambda value: 255 if value else 0)
    seen.paste(image, (0, 0), opaque)
    return seen
