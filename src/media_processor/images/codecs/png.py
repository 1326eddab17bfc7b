"""PNG and APNG: bit for bit outside the overlay."""

from contextlib import suppress

from PIL import Image, PngImagePlugin

from media_processor.images.codecs import Encoded, Options, apng, png_samples
from media_processor.images.codecs.png_samples import LEVEL, decode
from media_processor.images.containers import png
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.palettes import DoesNotFit
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image
from media_processor.limits import Limits

# Pillow's limit of 1 MiB is for colour profiles, too.
PngImagePlugin.MAX_TEXT_CHUNK = Limits.profile

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset({"icc", "exif", "xmp"})


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """A palette stays if it has room for the overlay's colours; interlacing goes."""
    header = png.header(data)
    kept = png.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)
    notes = kept.notes
    if info.frames > 1:
        result = apng.watermark(data, header, overlay, kept.icc)
        notes += ("16 bits a sample became 8",) if header.depth == 16 else ()
    elif header.depth == 16:
        result = _draw_sixteen_bits(data, overlay, kept.icc)
    else:
        result = _draw(png.strip(data), header, overlay, kept.icc)
    notes += png.note_colours(data, result)
    return Encoded(png.add_metadata(result, data, kept), "PNG", notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    plain = _encode(image)
    return png.add_metadata(plain, plain, kept)


def _draw(picture: bytes, header: png.Header, overlay: Overlay, icc: bytes) -> bytes:
    if header.depth == 8 and header.colour != png.INDEXED:
        still = decode(picture, header.depth)
        overlay.draw(still, icc)
        return _encode(still)
    for samples in png_samples.ways(picture, header, [picture]):
        with suppress(DoesNotFit):
            coded = samples.draw(picture, overlay, icc)
            pixels = samples.palette + png.data_chunk(b"IDAT", coded)
            return png.build((header.width, header.height), samples.coding, pixels)
    raise RuntimeError("everything fits in the last way")


def _draw_sixteen_bits(data: bytes, overlay: Overlay, icc: bytes) -> bytes:
    from media_processor.images import samples  # 100 ms that pictures of 8 bits don't pay

    pixels = png.strip(data)
    source = samples.Plain(lambda: samples.open_image(pixels, "PNG"))
    drawn = samples.draw(source, overlay, icc, samples.png_layout(source.bands))
    # libvips makes up a size in print.
    return png.strip(samples.encode_png(drawn, LEVEL))


def _encode(image: Image.Image) -> bytes:
    return encode_image(image, "PNG", compress_level=LEVEL)
