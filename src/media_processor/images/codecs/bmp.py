"""BMP: bit for bit outside the overlay; the palette becomes true colour."""

import struct

from PIL import Image

from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import bmp
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image, to_drawable

MODES = frozenset({"L", "RGB"})
CARRIED = frozenset[str]()

# Where each colour lies in 32 bits: red, green, blue, alpha (BITMAPV4HEADER).
_MASKS = (0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
_BIT_FIELDS, _SRGB = 3, b"BGRs"
_FILE_HEADER, _V4_HEADER = 14, 108
_INCH = 0.0254  # metres


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:  # noqa: ARG001
    notes = bmp.read_metadata(data, options.limits).notes
    image = open_image(data, "BMP")
    image.load()
    resolution = image.info.get("dpi") or (0, 0)
    still = to_drawable(image)
    overlay.draw(still)
    if still.mode == "RGBA":
        return Encoded(_encode_with_alpha(still, resolution), "BMP", notes)
    return Encoded(encode_image(still, "BMP", dpi=resolution), "BMP", notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    return encode_image(image, "BMP")


def _encode_with_alpha(image: Image.Image, resolution: tuple[float, float]) -> bytes:
    # Pillow reads alpha in a BMP, but writes none that anybody would read.
    pixels = image.tobytes("raw", "BGRA", 0, -1)
    start = _FILE_HEADER + _V4_HEADER
    dots = (round(number / _INCH) for number in resolution)
    return b"".join(
        [
            struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start),
            struct.pack("<IiiHHI", _V4_HEADER, *image.size, 1, 32, _BIT_FIELDS),
            struct.pack("<IiiII", len(pixels), *dots, 0, 0),
            struct.pack("<4I4s", *_MASKS, _SRGB) + bytes(48),
            pixels,
        ]
    )
