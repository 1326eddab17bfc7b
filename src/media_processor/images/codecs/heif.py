"""HEIC and HEIF, which can be read only; they come out as JPEG."""

import pi_heif
from PIL import Image

from media_processor.images import exif
from media_processor.images.codecs import Encoded, Options
from media_processor.images.codecs.jpeg import dressed
from media_processor.images.codecs.pillow import encoded, metadata_in
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay

_QUALITY = 92


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """A JPEG of the primary picture, upright and in 4:4:4."""
    image, found = decoded(data)
    kept = found.kept(info.orientation, options.strip)
    image = on_white(image) if image.mode == "RGBA" else image
    overlay.draw(image, kept.icc)
    result = encoded(image, "JPEG", **({"quality": _QUALITY, "subsampling": 0} | options.coding))
    return Encoded(dressed(result, kept, info.orientation), "JPEG", ("a HEIC comes out as JPEG",))


def decoded(data: bytes) -> tuple[Image.Image, Metadata]:
    """The primary picture, upright, in 8 bits, and what goes with it."""
    heif = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    image = Image.frombytes(heif.mode, heif.size, heif.data, "raw", heif.mode, heif.stride)
    found = metadata_in(heif.info)
    return image, Metadata(found.icc, exif.upright(found.exif), found.xmp)


def on_white(image: Image.Image) -> Image.Image:
    """An RGBA picture on a white ground."""
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, (0, 0), image.getchannel("A"))
    return flat
