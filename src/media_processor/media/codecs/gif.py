"""GIF: frames that the mark doesn't touch stay to the byte, the others keep their colours."""

from collections.abc import Iterator
from dataclasses import replace

from PIL import Image, ImageChops

from media_processor.media.animation import Disposal, Shown, difference, redrawn
from media_processor.media.codecs import Branded, Options
from media_processor.media.codecs.pillow import encoded, opened
from media_processor.media.containers import gif
from media_processor.media.containers.gif import Colour, Frame, Gif
from media_processor.media.facts import PictureFacts
from media_processor.media.placement import Box, corners
from media_processor.media.stamp import Stamp

_DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "restore"}

# So many of a frame's 256 colours the mark gets at least: a logo needs few, but these true.
_FOR_THE_MARK = 32


def brand(data: bytes, facts: PictureFacts, stamp: Stamp, options: Options) -> Branded:
    """A GIF of the same frames, timing, loops and disposal."""
    source = gif.read(data, options.limits)
    kept = source.metadata.kept(facts.orientation, options.strip)
    shown, plain = [], []
    for frame, canvas in zip(source.frames, _canvases(source), strict=True):
        branded = canvas.copy()
        stamp.draw(branded, kept.icc)
        branded.putalpha(branded.getchannel("A").point(_half))  # a GIF's pixels are all or nothing
        plain.append(canvas)
        shown.append(Shown(branded, _place(frame), _DISPOSALS.get(frame.disposal, "keep")))
    frames = []
    for (place, before), frame, canvas, now in zip(
        redrawn(shown), source.frames, plain, shown, strict=True
    ):
        if place != _place(frame) or _overlaps(place, stamp.stored):
            new = _Redrawing(source, frame, place)
            frames.append(new.frame(before, canvas, now.canvas))
        else:
            frames.append(frame)
    size = b"".join(side.to_bytes(2, "little") for side in source.size)
    whole = replace(source, screen=size + source.screen[4:], frames=tuple(frames))
    return Branded(gif.written(whole, kept), "GIF", kept.notes)


def _canvases(source: Gif) -> Iterator[Image.Image]:
    """What is seen while each frame is shown, as RGBA."""
    canvas = Image.new("RGBA", source.size)
    for frame in source.frames:
        before = canvas
        canvas = before.copy()
        indices = _indices(frame)
        corner = (frame.left, frame.top)
        canvas.paste(_coloured(indices, _colours(source, frame)), corner, _opaque(indices, frame))
        yield canvas
        if frame.disposal == 2:
            canvas = canvas.copy()
            canvas.paste((0, 0, 0, 0), corners(_place(frame)))
        elif frame.disposal == 3:
            canvas = before


class _Redrawing:
    """One frame that draws all of ``place`` anew, with a palette of its own."""

    def __init__(self, source: Gif, frame: Frame, place: Box) -> None:
        self._frame, self._place = frame, place
        self._size = (place.width, place.height)
        self._corner = (frame.left - place.left, frame.top - place.top)
        self._colours = _colours(source, frame)
        self._indices = _indices(frame)

    def frame(self, before: Image.Image, plain: Image.Image, branded: Image.Image) -> Frame:
        """What takes the canvas from ``before`` to ``branded``; without the mark, the frame
        took it to ``plain``."""
        area = corners(self._place)
        now = branded.crop(area)
        own = Image.new("L", self._size)
        own.paste(_opaque(self._indices, self._frame), self._corner)
        own = ImageChops.subtract(own, difference(plain.crop(area), now).point(_any))
        new = ImageChops.subtract(difference(before.crop(area), now).point(_any), own)
        palette, table = self._kept(own, _FOR_THE_MARK if new.getbbox() else 0)
        if new.getbbox():
            palette = palette + _few_colours(now, new, 255 - len(palette))
        drawn = Image.new("L", self._size, len(palette))  # the index of what stays as it is
        drawn.paste(self._indices.point(table), self._corner, self._within_frame(own))
        if new.getbbox():
            drawn.paste(_nearest(now, palette), (0, 0), new)
        return replace(
            self._frame,
            left=self._place.left,
            top=self._place.top,
            width=self._place.width,
            height=self._place.height,
            palette=gif.padded([*palette, (0, 0, 0)]),
            interlaced=False,
            transparent=len(palette),
            pixels=gif.pixels(encoded(drawn, "GIF", optimize=False, interlace=0)),
        )

    def _within_frame(self, mask: Image.Image) -> Image.Image:
        left, top = self._corner
        return mask.crop((left, top, left + self._frame.width, top + self._frame.height))

    def _kept(self, own: Image.Image, reserved: int) -> tuple[list[Colour], list[int]]:
        """The colours that the frame shows where ``own`` is set, the most frequent first, as
        far as 255 - ``reserved`` reach; and for each of its indices the nearest of them."""
        counts = self._indices.histogram(self._within_frame(own))
        used = sorted((index for index in range(256) if counts[index]), key=lambda i: -counts[i])
        kept = list(dict.fromkeys(self._colours[index] for index in used))[: 255 - reserved]
        table = [0] * 256
        for index in used:
            table[index] = min(
                range(len(kept)), key=lambda at: _distance(kept[at], self._colours[index])
            )
        return kept, table


def _indices(frame: Frame) -> Image.Image:
    """The frame's indices as L."""
    image = opened(gif.still(frame), "GIF")
    image.load()
    return Image.frombytes("L", image.size, image.tobytes())


def _colours(source: Gif, frame: Frame) -> list[Colour]:
    """The 256 colours of a frame; black where its palette has none."""
    table = (frame.palette or source.palette).ljust(768, b"\0")
    return [(table[at], table[at + 1], table[at + 2]) for at in range(0, 768, 3)]


def _coloured(indices: Image.Image, colours: list[Colour]) -> Image.Image:
    bands = [indices.point([colour[band] for colour in colours]) for band in range(3)]
    return Image.merge("RGB", bands)


def _opaque(indices: Image.Image, frame: Frame) -> Image.Image:
    """Where (L, 0 or 255) a frame draws."""
    clear = frame.transparent
    return indices.point([0 if index == clear else 255 for index in range(256)])


def _few_colours(image: Image.Image, where: Image.Image, most: int) -> list[Colour]:
    """At most ``most`` colours for the pixels of ``image`` where ``where`` (L) is set."""
    rgb = image.convert("RGB")
    area = where.getbbox() or (0, 0, 1, 1)
    rgb, where = rgb.crop(area), where.crop(area)
    at = where.tobytes().index(b"\xff")
    some = Image.new("RGB", rgb.size, rgb.getpixel((at % rgb.width, at // rgb.width)))
    some.paste(rgb, (0, 0), where)
    table = some.quantize(most, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).getpalette()
    table = (table or [])[: 3 * most]
    return [(table[at], table[at + 1], table[at + 2]) for at in range(0, len(table), 3)]


def _nearest(image: Image.Image, palette: list[Colour]) -> Image.Image:
    """For each pixel the index (L) of the nearest colour in ``palette``."""
    sample = Image.new("P", (1, 1))
    flat = [value for colour in palette for value in colour]
    sample.putpalette((flat + flat[:3] * 256)[:768])
    mapped = image.convert("RGB").quantize(palette=sample, dither=Image.Dither.NONE)
    indices = Image.frombytes("L", image.size, mapped.tobytes())
    return indices.point([index if index < len(palette) else 0 for index in range(256)])


def _place(frame: Frame) -> Box:
    return Box(frame.left, frame.top, frame.width, frame.height)


def _overlaps(place: Box, marks: list[Box]) -> bool:
    left, top, right, bottom = corners(place)
    return any(
        mark[0] < right and left < mark[2] and mark[1] < bottom and top < mark[3]
        for mark in map(corners, marks)
    )


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _any(value: int) -> int:
    return 255 if value else 0


def _half(value: int) -> int:
    return 255 if value >= 128 else 0
