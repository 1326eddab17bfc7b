"""PNG and APNG: bit for bit outside the overlay."""

from collections.abc import Iterator

from PIL import Image, PngImagePlugin

from media_processor.images.animation import Disposal, Screen
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import apng, png
from media_processor.images.geometry import Box, corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image, to_drawable, to_eight_bits
from media_processor.limits import Limits

# Pillow's default (6) takes 1,040 ms for a photo of 2.7 megapixels and makes 2.56 MB.
# Level 1: 324 ms, 3.06 MB. Level 2: 323 ms, 2.99 MB. Level 3: 416 ms, 2.82 MB.
_LEVEL = 2

# Pillow's limit of 1 MiB is for colour profiles, too.
PngImagePlugin.MAX_TEXT_CHUNK = Limits.profile

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset({"icc", "exif", "xmp"})
_DISPOSALS: tuple[Disposal, ...] = ("keep", "clear", "restore")


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """A palette becomes true colour; interlacing goes."""
    header = png.header(data)
    kept = png.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)
    notes = kept.notes
    if info.frames > 1:
        result = _watermark_animation(data, header, overlay, kept.icc)
        notes += ("16 bits a sample became 8",) if header.depth == 16 else ()
    elif header.depth == 16:
        result = _draw_sixteen_bits(data, overlay, kept.icc)
    else:
        still = _decode(png.strip(data), header.depth)
        overlay.draw(still, kept.icc)
        result = _encode(still)
    notes += png.note_colours(data, result)
    return Encoded(png.add_metadata(result, data, kept), "PNG", notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    plain = _encode(image)
    return png.add_metadata(plain, plain, kept)


def _draw_sixteen_bits(data: bytes, overlay: Overlay, icc: bytes) -> bytes:
    from media_processor.images import samples  # 100 ms that pictures of 8 bits don't pay

    pixels = png.strip(data)
    source = samples.Plain(lambda: samples.open_image(pixels, "PNG"))
    drawn = samples.draw(source, overlay, icc, samples.png_layout(source.bands))
    # libvips makes up a size in print.
    return png.strip(samples.encode_png(drawn, _LEVEL))


def _decode(picture: bytes, depth: int) -> Image.Image:
    image = open_image(picture, "PNG")
    image.load()
    # Pillow brings the pixels to 8 bits, but not the colour that tRNS names.
    named = image.info.get("transparency")
    if image.mode in ("L", "I;16") and isinstance(named, int):
        image.info["transparency"] = named * 255 // (2**depth - 1)
    elif depth == 16 and isinstance(named, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in named)
    return to_drawable(to_eight_bits(image))


def _watermark_animation(data: bytes, header: png.Header, overlay: Overlay, icc: bytes) -> bytes:
    source, size = apng.animation(data), (header.width, header.height)
    screen, number = Screen(size, overlay), 0
    pieces = [png.data_chunk(b"acTL", len(source.frames).to_bytes(4) + source.plays.to_bytes(4))]
    if source.still:
        still = _decode(source.alone(size, source.still), header.depth).convert("RGBA")
        overlay.draw(still, icc)
        pieces.append(png.data_chunk(b"IDAT", png.pixels(_encode(still))))
    for canvas, control in _play(source, header):
        overlay.draw(canvas, icc)
        own = Box(control.left, control.top, control.width, control.height)
        is_still = number == 0 and not source.still  # IDAT, which always covers the picture
        place = own if is_still else screen.to_redraw(canvas, own)
        screen.show(canvas, place, own, _DISPOSALS[control.dispose])
        coded = png.pixels(_encode(canvas.crop(corners(place))))
        pieces.append(apng.frame_control(number, place, control))
        if is_still:
            pieces.append(png.data_chunk(b"IDAT", coded))
            number += 1
        else:
            pieces.append(png.data_chunk(b"fdAT", (number + 1).to_bytes(4) + coded))
            number += 2
    return b"".join([png.SIGNATURE, apng.true_colour(size), *pieces, png.data_chunk(b"IEND", b"")])


def _play(
    source: apng.Animation, header: png.Header
) -> Iterator[tuple[Image.Image, apng.FrameControl]]:
    """Yields a copy of what each frame shows (11.3.6.2: dispose_op and blend_op)."""
    canvas = Image.new("RGBA", (header.width, header.height))
    for control, coded in source.frames:
        size, corner = (control.width, control.height), (control.left, control.top)
        area = corners(Box(*corner, *size))
        before = canvas.crop(area) if control.dispose == 2 else None
        frame = _decode(source.alone(size, coded), header.depth).convert("RGBA")
        if control.blend:
            canvas.alpha_composite(frame, corner)
        else:
            canvas.paste(frame, corner)
        yield canvas.copy(), control
        if before is not None:
            canvas.paste(before, corner)
        elif control.dispose == 1:
            canvas.paste((0, 0, 0, 0), area)


def _encode(image: Image.Image) -> bytes:
    return encode_image(image, "PNG", compress_level=_LEVEL)
