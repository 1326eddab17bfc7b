"""Redraws the frames of an animation, so that each shows the right picture."""

from typing import Literal

from PIL import Image, ImageChops

from media_processor.images.geometry import Box, corners

Disposal = Literal["keep", "clear", "restore"]


class Screen:
    """What a viewer shows: frame upon frame, each redrawing a part of the one before."""

    def __init__(self) -> None:
        self._image: Image.Image | None = None

    def part(self, place: Box) -> Image.Image:
        if self._image is None:
            return Image.new("RGBA", (place.width, place.height))
        return self._image.crop(corners(place))

    def to_redraw(self, canvas: Image.Image, place: Box) -> Box:
        """What must be redrawn so that ``canvas`` (RGBA) is seen, at least ``place``.

        An overlay that an earlier frame drew stays; one that was cleared with its surroundings
        is drawn again.
        """
        if self._image is None:
            return around(place, canvas.getchannel("A").getbbox())
        return around(place, difference(self._image, canvas).getbbox())

    def show(self, canvas: Image.Image, place: Box, disposal: Disposal) -> None:
        if disposal == "restore":
            return
        self._image = canvas
        if disposal == "clear":
            self._image = canvas.copy()
            self._image.paste((0, 0, 0, 0), corners(place))


def difference(one: Image.Image, other: Image.Image) -> Image.Image:
    # Invisible pixels are all equal.
    bands = ImageChops.difference(_blacken_transparent(one), _blacken_transparent(other)).split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    return most


def around(box: Box, other: tuple[int, int, int, int] | None) -> Box:
    if other is None:
        return box
    left, top = min(box.left, other[0]), min(box.top, other[1])
    right, bottom = (max(pair) for pair in zip(corners(box)[2:], other[2:], strict=True))
    return Box(left, top, right - left, bottom - top)


def _blacken_transparent(image: Image.Image) -> Image.Image:
    seen = Image.new("RGBA", image.size)
    opaque = image.getchannel("A").point(lambda value: 255 if value else 0)
    seen.paste(image, (0, 0), opaque)
    return seen
