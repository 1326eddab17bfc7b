"""GIF: frames that the overlay doesn't touch stay to the byte, the others keep their colours."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce

from PIL import Image, ImageChops

from media_processor.images.animation import (
    Disposal,
    Screen,
    any_to_full,
    around,
    difference,
    overlap,
    part_of,
)
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import gif
from media_processor.images.containers.gif import Frame, Gif
from media_processor.images.geometry import Box, corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay, within
from media_processor.images.palettes import (
    Colour,
    closest,
    few_colours,
    frequencies,
    nearest,
    numbered,
)
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset[str]()

# As browsers have it, 4 is what some encoders write for 3.
_DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "restore", 4: "restore"}

# Of 256 colours one is for what stays as it is, and so many are for the overlay if it has as
# many: a logo needs few, but these true. The other 224 are the frame's own.
_FOR_THE_OVERLAY = 31
_MOST_COLOURS = 255

# Of too many colours those go that are missed least: of so many of the rarest, and 3 to 14 dB
# better than the rarest themselves.
_CANDIDATES = 64

_FEW_BOXES = 8


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    source = gif.read(data, options.limits)
    kept = source.metadata.to_keep(info.orientation, options.strip)
    screen = Screen(source.size, overlay)
    frames, poorer = [], 0
    for canvas, drawing in _play(source):
        disposal = _DISPOSALS.get(drawing.frame.disposal, "keep")
        if screen.is_settled and not part_of(drawing.place, overlay.stored):
            frames.append(drawing.frame)
            screen.show(canvas, drawing.place, drawing.place, disposal)
            continue
        plain = _draw_overlay(canvas, overlay, kept.icc)
        place = screen.to_redraw(canvas, drawing.place)
        doubtful = screen.doubtful()
        work = part_of(place, [*overlay.stored, *([doubtful] if doubtful else [])])
        redrawing = _Redrawing(drawing, place, work or Box(0, 0, 1, 1))
        frame = redrawing.frame(screen.part(redrawing.work), canvas, plain)
        frames.append(frame)
        poorer += redrawing.is_poorer
        screen.show(canvas, place, drawing.place, disposal)
        for box, part in plain:
            canvas.paste(part, (box.left, box.top))
    whole = replace(source, screen=_screen(source), frames=tuple(frames))
    return Encoded(gif.write(whole, kept), "GIF", kept.notes + _note(poorer, len(frames)))


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    # Nothing of ``kept`` is carried.
    image = image.convert("RGBA") if "A" in image.mode else image
    return encode_image(image.quantize(256), "GIF")


def _note(poorer: int, frames: int) -> tuple[str, ...]:
    if not poorer:
        return ()
    where = f"{poorer} of {frames} frames" if frames > 1 else "the picture"
    why = "a GIF has 256 colours a frame, the logo's among them"
    return (f"some colours of {where} were replaced by similar ones: {why}",)


@dataclass(frozen=True)
class _Drawing:
    """What a frame draws where, on the screen: ``indices`` of its ``colours``, where ``own``
    is set."""

    frame: Frame
    place: Box
    indices: Image.Image
    own: Image.Image
    colours: list[Colour]


def _play(source: Gif) -> Iterator[tuple[Image.Image, _Drawing]]:
    """Yields one RGBA picture again and again, changed for each frame, with what changed it."""
    canvas = Image.new("RGBA", source.size)
    for frame in source.frames:
        drawing = _drawing(source, frame)
        place, disposal = drawing.place, _DISPOSALS.get(frame.disposal)
        before = canvas.crop(corners(place)) if disposal == "restore" else None
        coloured = _apply_palette(drawing.indices, drawing.colours)
        canvas.paste(coloured, (place.left, place.top), drawing.own)
        del coloured  # as large as the screen, four bytes a pixel
        yield canvas, drawing
        if disposal == "clear":
            canvas.paste((0, 0, 0, 0), corners(place))
        elif before is not None:
            canvas.paste(before, (place.left, place.top))


def _drawing(source: Gif, frame: Frame) -> _Drawing:
    image = open_image(gif.still(frame), "GIF")
    image.load()
    indices = Image.frombytes("L", image.size, image.tobytes())
    own = indices.point([0 if index == frame.transparent else 255 for index in range(256)])
    whole = Box(frame.left, frame.top, frame.width, frame.height)
    place = overlap(whole, Box(0, 0, *source.size))
    if place is None:  # it is drawn beyond the screen, and nobody sees it
        place, indices, own = Box(0, 0, 1, 1), Image.new("L", (1, 1)), Image.new("L", (1, 1))
    elif place != whole:
        visible = corners(_relative(place, whole))
        indices, own = indices.crop(visible), own.crop(visible)
    return _Drawing(frame, place, indices, own, _colours(source, frame))


def _draw_overlay(
    canvas: Image.Image, overlay: Overlay, icc: bytes
) -> list[tuple[Box, Image.Image]]:
    """Returns what was in its places before."""
    if not overlay.is_chosen:
        overlay.choose(lambda box: canvas.crop(corners(box)))
    boxes = [within(box, canvas.size) for box in overlay.stored]
    if len(boxes) > _FEW_BOXES:  # of a tile: one large box takes less time than many small ones
        boxes = [reduce(around, boxes)]
    plain = [(box, canvas.crop(corners(box))) for box in boxes]
    overlay.draw(canvas, icc)
    for box, _ in plain:  # a GIF's pixels are all or nothing
        drawn = canvas.crop(corners(box))
        alpha = drawn.getchannel("A").point(_half)
        drawn.putalpha(alpha)
        canvas.paste((0, 0, 0, 0), corners(box))
        canvas.paste(drawn, (box.left, box.top), alpha)
    return plain


class _Redrawing:
    """One frame that draws all of ``place`` anew, with a palette of its own.

    Outside of ``work`` it draws what it drew before.
    """

    def __init__(self, drawing: _Drawing, place: Box, work: Box) -> None:
        self._drawing, self._place, self.work = drawing, place, work
        self.is_poorer = False

    def frame(
        self, before: Image.Image, canvas: Image.Image, plain: list[tuple[Box, Image.Image]]
    ) -> Frame:
        """``before`` was seen in ``work``; ``canvas`` is what the frame makes of it, ``plain``
        that without the overlay, where it lies."""
        now = canvas.crop(corners(self.work))
        covered = self._covered(canvas, plain)
        own, at_work = self._drawing.own, _relative(self.work, self._drawing.place)
        mine = own.crop(corners(at_work))
        need = ImageChops.darker(difference(before, now).point(any_to_full), now.getchannel("A"))
        logo = ImageChops.darker(need, covered)
        others = ImageChops.subtract(ImageChops.subtract(need, covered), mine)
        hidden = ImageChops.darker(mine, covered).getbbox()
        if not (hidden or logo.getbbox() or others.getbbox()):
            return self._drawing.frame
        own = own.copy()
        own.paste(ImageChops.subtract(mine, covered), (at_work.left, at_work.top))
        return self._draw(now, own, others, logo)

    def _covered(self, canvas: Image.Image, plain: list[tuple[Box, Image.Image]]) -> Image.Image:
        covered = Image.new("L", (self.work.width, self.work.height))
        for box, part in plain:
            changed = difference(part, canvas.crop(corners(box))).point(any_to_full)
            at = _relative(box, self.work)
            covered.paste(changed, (at.left, at.top), changed)
        return covered

    def _draw(
        self, now: Image.Image, own: Image.Image, others: Image.Image, logo: Image.Image
    ) -> Frame:
        """``own`` is where the frame's own pixels stay, the other two where it has to draw what
        was there before, and the overlay."""
        drawing, place = self._drawing, self._place
        of_others = frequencies(now, others)
        wanted = Counter(dict(of_others.most_common(_MOST_COLOURS)))
        for index, amount in enumerate(drawing.indices.histogram(own)):
            if amount:
                wanted[drawing.colours[index]] += amount
        of_logo = frequencies(now, logo)
        palette, numbers = _choose_palette(wanted, min(_FOR_THE_OVERLAY, len(of_logo)))
        self.is_poorer = len(palette) < len(wanted) or len(of_others) > _MOST_COLOURS
        room = _MOST_COLOURS - len(palette)
        few = list(of_logo)
        if len(few) > room:
            few = few_colours(now, logo, room)
        exact = {colour: number for number, colour in enumerate(few, len(palette))}
        palette += few
        # The index behind the palette is for what stays as it is.
        drawn = Image.new("L", (place.width, place.height), len(palette))
        at, at_work = _relative(drawing.place, place), _relative(self.work, place)
        table = [numbers.get(colour, 0) for colour in drawing.colours]
        drawn.paste(drawing.indices.point(table), (at.left, at.top), own)
        for where, colours, known in ((others, of_others, numbers), (logo, of_logo, exact)):
            if colours:
                is_exact = colours.keys() <= known.keys()
                shades = numbered(now, where, known) if is_exact else nearest(now, palette)
                drawn.paste(shades, (at_work.left, at_work.top), where)
        return replace(
            drawing.frame,
            left=place.left,
            top=place.top,
            width=place.width,
            height=place.height,
            palette=gif.pad_palette([*palette, (0, 0, 0)]),
            interlaced=False,
            transparent=len(palette),
            pixels=gif.pixels(encode_image(drawn, "GIF", optimize=False, interlace=0)),
        )


def _choose_palette(
    wanted: Counter[Colour], reserved: int
) -> tuple[list[Colour], dict[Colour, int]]:
    """As many colours as fit beside those ``reserved``, and for each colour its number or that
    of the closest one."""
    room = _MOST_COLOURS - reserved
    palette = [colour for colour, _ in wanted.most_common()]
    if len(palette) > room:
        sure = max(0, room - _CANDIDATES)
        rare = palette[sure : room + _CANDIDATES]
        rare.sort(key=lambda colour: _loss(colour, palette, wanted))
        palette = palette[:sure] + rare[sure - room :]
    numbers = {colour: number for number, colour in enumerate(palette)}
    for colour in wanted.keys() - numbers.keys():
        numbers[colour] = closest(colour, palette)
    return palette, numbers


def _loss(colour: Colour, palette: list[Colour], wanted: Counter[Colour]) -> int:
    # The squared error if it becomes the closest other one.
    others = [each for each in palette if each != colour]
    other = others[closest(colour, others)]
    return wanted[colour] * sum((a - b) ** 2 for a, b in zip(colour, other, strict=True))


def _relative(box: Box, whole: Box) -> Box:
    return Box(box.left - whole.left, box.top - whole.top, box.width, box.height)


def _screen(source: Gif) -> bytes:
    return b"".join(side.to_bytes(2, "little") for side in source.size) + source.screen[4:]


def _colours(source: Gif, frame: Frame) -> list[Colour]:
    table = (frame.palette or source.palette).ljust(768, b"\0")
    return [(table[at], table[at + 1], table[at + 2]) for at in range(0, 768, 3)]


def _apply_palette(indices: Image.Image, colours: list[Colour]) -> Image.Image:
    image = indices.copy()
    image.putpalette([value for colour in colours for value in colour])
    return image.convert("RGBA")


def _half(value: int) -> int:
    return 255 if value >= 128 else 0
