"""PNG and APNG: bit for bit outside the overlay."""

from collections.abc import Iterator

from PIL import Image
from PIL.ImageFile import ImageFile

from media_processor.errors import UnsupportedPicture
from media_processor.images.animation import Disposal, Screen
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import png
from media_processor.images.geometry import Box, corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image, to_drawable

# Pillow's default (6) takes 1,040 ms for a photo of 2.7 megapixels and makes 2.56 MB.
# Level 1: 324 ms, 3.06 MB. Level 2: 323 ms, 2.99 MB. Level 3: 416 ms, 2.82 MB.
_LEVEL = 2

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset({"icc", "exif", "xmp"})
_DISPOSALS: tuple[Disposal, ...] = ("keep", "clear", "restore")


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """A palette becomes true colour; interlacing goes."""
    header = png.header(data)
    kept = png.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)
    if info.frames > 1:
        result = _watermark_animation(data, header, overlay, kept.icc)
    elif header.depth == 16:
        result = _draw_sixteen_bits(data, overlay, kept.icc)
    else:
        image = open_image(png.strip(data), "PNG")
        image.load()
        still = _to_drawable(image, header.depth)
        overlay.draw(still, kept.icc)
        result = _encode(still)
    return Encoded(png.add_metadata(result, data, kept), "PNG", kept.notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    plain = _encode(image)
    return png.add_metadata(plain, plain, kept)


def _draw_sixteen_bits(data: bytes, overlay: Overlay, icc: bytes) -> bytes:
    from media_processor.images import sixteen_bit  # 100 ms that pictures of 8 bits don't pay

    # libvips makes up a size in print.
    return png.strip(
        sixteen_bit.encode_png(sixteen_bit.draw(png.strip(data), "PNG", overlay, icc), _LEVEL)
    )


def _to_drawable(image: ImageFile, depth: int) -> Image.Image:
    # Pillow brings the pixels to 8 bits, but not the colour that tRNS names.
    if image.mode == "L" and isinstance(named := image.info.get("transparency"), int):
        image.info["transparency"] = named * 255 // (2**depth - 1)
    return to_drawable(image)


def _watermark_animation(data: bytes, header: png.Header, overlay: Overlay, icc: bytes) -> bytes:
    if header.depth == 16:
        raise UnsupportedPicture("16-bit animated PNGs aren't supported, only 8-bit ones.")
    controls, still_is_first, plays = png.frame_controls(data)
    image = open_image(data, "PNG")
    canvases = _canvases(image, overlay, icc)
    still = None if still_is_first else next(canvases)
    screen, number = Screen(), 0
    pieces: list[bytes] = []
    for canvas, control in zip(canvases, controls, strict=True):
        place = Box(control.left, control.top, control.width, control.height)
        is_still = number == 0 and still is None  # IDAT, which always covers the canvas
        place = Box(0, 0, *image.size) if is_still else screen.to_redraw(canvas, place)
        screen.show(canvas, place, _DISPOSALS[control.dispose])
        coded = png.parts(_encode(canvas.crop(corners(place)))).pixels
        pieces.append(png.frame_control(number, place, control))
        if is_still:
            pieces.append(png.data_chunk(b"IDAT", coded))
            number += 1
        else:
            pieces.append(png.data_chunk(b"fdAT", (number + 1).to_bytes(4) + coded))
            number += 2
    first = png.parts(_encode(still or Image.new("RGBA", image.size)))
    head = [png.SIGNATURE, first.head]
    head.append(png.data_chunk(b"acTL", len(controls).to_bytes(4) + plays.to_bytes(4)))
    head += [png.data_chunk(b"IDAT", first.pixels)] if still else []
    return b"".join([*head, *pieces, png.data_chunk(b"IEND", b"")])


def _encode(image: Image.Image) -> bytes:
    return encode_image(image, "PNG", compress_level=_LEVEL)


def _canvases(image: ImageFile, overlay: Overlay, icc: bytes) -> Iterator[Image.Image]:
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        canvas = image.convert("RGBA")
        overlay.draw(canvas, icc)
        yield canvas
