"""GIF: frames that the overlay doesn't touch stay to the byte, the others keep their colours."""

from collections.abc import Iterator
from dataclasses import replace

from PIL import Image, ImageChops

from media_processor.images.animation import Disposal, Screen, difference
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import gif
from media_processor.images.containers.gif import Colour, Frame, Gif
from media_processor.images.geometry import Box, corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset[str]()
_DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "restore"}

# So many of a frame's 256 colours the overlay gets at least: a logo needs few, but these true.
_FOR_THE_OVERLAY = 32


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    source = gif.read(data, options.limits)
    kept = source.metadata.to_keep(info.orientation, options.strip)
    screen = Screen()
    frames = []
    for frame, plain in zip(source.frames, _canvases(source), strict=True):
        watermarked = plain.copy()
        overlay.draw(watermarked, kept.icc)
        watermarked.putalpha(
            watermarked.getchannel("A").point(_half)
        )  # a GIF's pixels are all or nothing
        place = screen.to_redraw(watermarked, _place(frame))
        covered = [box for box in overlay.stored if _overlap(place, box)]
        if place != _place(frame):
            work = place
        elif covered:
            work = _unite(place, covered)
        else:
            frames.append(frame)
            screen.show(watermarked, place, _DISPOSALS.get(frame.disposal, "keep"))
            continue
        redrawing = _Redrawing(source, frame, place, work)
        frames.append(redrawing.frame(screen.part(work), plain, watermarked))
        screen.show(watermarked, place, _DISPOSALS.get(frame.disposal, "keep"))
    size = b"".join(side.to_bytes(2, "little") for side in source.size)
    whole = replace(source, screen=size + source.screen[4:], frames=tuple(frames))
    return Encoded(gif.write(whole, kept), "GIF", kept.notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    # Nothing of ``kept`` is carried.
    image = image.convert("RGBA") if "A" in image.mode else image
    return encode_image(image.quantize(256), "GIF")


def _canvases(source: Gif) -> Iterator[Image.Image]:
    """Yields one RGBA picture again and again, changed for each frame."""
    canvas = Image.new("RGBA", source.size)
    for frame in source.frames:
        before = canvas.copy() if frame.disposal == 3 else None
        indices = _indices(frame)
        coloured = _apply_palette(indices, _colours(source, frame))
        canvas.paste(coloured, (frame.left, frame.top), _opaque(indices, frame))
        del coloured, indices
        yield canvas
        if frame.disposal == 2:
            canvas.paste((0, 0, 0, 0), corners(_place(frame)))
        elif before is not None:
            canvas = before


class _Redrawing:
    """One frame that draws all of ``place`` anew, with a palette of its own.

    Outside of ``work`` it shows what it showed before.
    """

    def __init__(self, source: Gif, frame: Frame, place: Box, work: Box) -> None:
        self._frame, self._place, self._work = frame, place, work
        self._colours = _colours(source, frame)
        self._indices = _indices(frame)

    def frame(self, before: Image.Image, plain: Image.Image, watermarked: Image.Image) -> Frame:
        """``before`` was seen in ``work``; ``plain`` is what the frame makes of it, without
        overlay.
        """
        area = corners(self._work)
        now = watermarked.crop(area)
        own = _opaque(self._indices, self._frame)
        mine = self._of(own, self._frame, self._work)
        mine = ImageChops.subtract(mine, difference(plain.crop(area), now).point(_any))
        new = ImageChops.subtract(difference(before, now).point(_any), mine)
        own.paste(mine, (self._work.left - self._frame.left, self._work.top - self._frame.top))
        palette, table = self._choose_palette(own, _FOR_THE_OVERLAY if new.getbbox() else 0)
        if new.getbbox():
            palette = palette + _few_colours(now, new, 255 - len(palette))
        # The index behind the palette is for what stays as it is.
        drawn = Image.new("L", (self._place.width, self._place.height), len(palette))
        corner = (self._frame.left - self._place.left, self._frame.top - self._place.top)
        drawn.paste(self._indices.point(table), corner, own)
        if new.getbbox():
            corner = (self._work.left - self._place.left, self._work.top - self._place.top)
            drawn.paste(_nearest(now, palette), corner, new)
        return replace(
            self._frame,
            left=self._place.left,
            top=self._place.top,
            width=self._place.width,
            height=self._place.height,
            palette=gif.pad_palette([*palette, (0, 0, 0)]),
            interlaced=False,
            transparent=len(palette),
            pixels=gif.pixels(encode_image(drawn, "GIF", optimize=False, interlace=0)),
        )

    @staticmethod
    def _of(mask: Image.Image, frame: Frame, work: Box) -> Image.Image:
        left, top = work.left - frame.left, work.top - frame.top
        return mask.crop((left, top, left + work.width, top + work.height))

    def _choose_palette(self, own: Image.Image, reserved: int) -> tuple[list[Colour], list[int]]:
        """The colours that the frame shows where ``own`` is set, the most frequent first, as
        far as 255 - ``reserved`` reach; and for each of its indices the nearest of them."""
        counts = self._indices.histogram(own)
        used = sorted((index for index in range(256) if counts[index]), key=lambda i: -counts[i])
        kept = list(dict.fromkeys(self._colours[index] for index in used))[: 255 - reserved]
        table = [0] * 256
        for index in used:
            table[index] = min(
                range(len(kept)), key=lambda at: _distance(kept[at], self._colours[index])
            )
        return kept, table


def _indices(frame: Frame) -> Image.Image:
    image = open_image(gif.still(frame), "GIF")
    image.load()
    return Image.frombytes("L", image.size, image.tobytes())


def _colours(source: Gif, frame: Frame) -> list[Colour]:
    table = (frame.palette or source.palette).ljust(768, b"\0")
    return [(table[at], table[at + 1], table[at + 2]) for at in range(0, 768, 3)]


def _apply_palette(indices: Image.Image, colours: list[Colour]) -> Image.Image:
    image = Image.frombytes("P", indices.size, indices.tobytes())
    image.putpalette([value for colour in colours for value in colour])
    return image.convert("RGB")


def _opaque(indices: Image.Image, frame: Frame) -> Image.Image:
    clear = frame.transparent
    return indices.point([0 if index == clear else 255 for index in range(256)])


def _few_colours(image: Image.Image, where: Image.Image, most: int) -> list[Colour]:
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
    sample = Image.new("P", (1, 1))
    flat = [value for colour in palette for value in colour]
    sample.putpalette((flat + flat[:3] * 256)[:768])
    mapped = image.convert("RGB").quantize(palette=sample, dither=Image.Dither.NONE)
    indices = Image.frombytes("L", image.size, mapped.tobytes())
    return indices.point([index if index < len(palette) else 0 for index in range(256)])


def _place(frame: Frame) -> Box:
    return Box(frame.left, frame.top, frame.width, frame.height)


def _overlap(one: Box, other: Box) -> bool:
    left, top, right, bottom = corners(other)
    mine = corners(one)
    return mine[0] < right and left < mine[2] and mine[1] < bottom and top < mine[3]


def _unite(place: Box, boxes: list[Box]) -> Box:
    edges = [corners(box) for box in boxes]
    left, top = (
        max(low, min(edge[n] for edge in edges)) for n, low in ((0, place.left), (1, place.top))
    )
    ends = corners(place)[2:]
    right, bottom = (min(ends[n], max(edge[n + 2] for edge in edges)) for n in (0, 1))
    return Box(left, top, right - left, bottom - top)


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _any(value: int) -> int:
    return 255 if value else 0


def _half(value: int) -> int:
    return 255 if value >= 128 else 0
