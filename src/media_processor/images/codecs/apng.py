"""Animated PNG: frames that the overlay doesn't touch stay to the byte, others outside of it."""

import zlib
from contextlib import suppress
from functools import partial

from PIL import Image

from media_processor.images.animation import Disposal, Redrawn, Screen, clear
from media_processor.images.codecs import png_samples
from media_processor.images.codecs.png_samples import Samples
from media_processor.images.containers import apng, png
from media_processor.images.geometry import Box, corners
from media_processor.images.info import Size
from media_processor.images.overlay import Overlay
from media_processor.images.palettes import DoesNotFit

_DISPOSALS: tuple[Disposal, ...] = ("keep", "clear", "restore")


def watermark(data: bytes, header: png.Header, overlay: Overlay, icc: bytes) -> bytes:
    """Without metadata. The colour type stays if everything fits in it."""
    source, size = apng.animation(data), (header.width, header.height)
    *smaller, last = png_samples.ways(data, header, source.pictures(size))
    for samples in smaller:
        with suppress(DoesNotFit):
            return _redraw(source, size, samples, overlay, icc)
    return _redraw(source, size, last, overlay, icc)


def _redraw(
    source: apng.Animation, size: Size, samples: Samples, overlay: Overlay, icc: bytes
) -> bytes:
    still = b""
    if source.still:
        still = samples.draw(source.alone(size, source.still), overlay, icc)
    canvas, screen = Image.new(samples.mode, size), Screen(size, overlay, samples.mode)
    frames = []
    for number, (control, coded) in enumerate(source.frames):
        own = control.place
        pixels = samples.read(source.alone((own.width, own.height), coded))
        # Over nothing, or if it is opaque, it is drawn instead of what was there.
        is_opaque = pixels.colours.getchannel("A").getextrema() == (255, 255)
        blends = number > 0 and control.blend and not is_opaque
        was = canvas.crop(corners(screen.area)) if blends else None
        before = canvas.crop(corners(own)) if control.dispose == 2 else None
        if blends:
            canvas.alpha_composite(pixels.colours, (own.left, own.top))
        else:
            canvas.paste(pixels.colours, (own.left, own.top))
        overlay.choose(partial(_part, canvas))
        area = corners(screen.area)
        plain = canvas.crop(area)
        redrawn = None
        if not screen.is_untouched(own):
            overlay.draw(canvas, icc)
            redrawn = screen.redraw(pixels.colours, own, canvas, plain, was)
        if redrawn:
            control = control.at(redrawn.place, over=redrawn.over)
            coded = samples.write(redrawn.image, redrawn.own, _placed(pixels.numbers, own, redrawn))
        elif samples.coding != source.coding or not _is_whole(coded, samples, own):
            mine = Image.new("L", pixels.colours.size, 255)
            coded = samples.write(pixels.colours, mine, pixels.numbers)
        frames.append((control, coded))
        screen.show(canvas, control.place, own, _DISPOSALS[control.dispose])
        canvas.paste(plain, area)
        if before is not None:
            canvas.paste(before, corners(own))
        elif control.dispose == 1:
            clear(canvas, own)
    made = apng.Animation(tuple(frames), still, source.plays, samples.coding, samples.palette)
    return made.write(size)


def _part(image: Image.Image, box: Box) -> Image.Image:
    return image.crop(corners(box))


def _placed(numbers: Image.Image | None, own: Box, redrawn: Redrawn) -> Image.Image | None:
    if numbers is None or redrawn.place == own:
        return numbers
    placed = Image.new("L", redrawn.image.size)
    placed.paste(numbers, (own.left - redrawn.place.left, own.top - redrawn.place.top))
    return placed


def _is_whole(coded: bytes, samples: Samples, place: Box) -> bool:
    """Whether it has every row and nothing else, which decoders don't insist on."""
    depth, colour = samples.coding[:2]
    row = png.Header(place.width, place.height, depth, colour).row_bytes + 1
    stream = zlib.decompressobj()
    length = len(stream.decompress(coded, row * place.height + 1))
    return length == row * place.height and stream.eof and not stream.unused_data
