"""HEIC and HEIF, which can be read only; they come out as JPEG."""

import pi_heif
from PIL import Image

from media_processor.images import exif
from media_processor.images.codecs import Encoded, Options, jpeg
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import flatten_on_white, metadata_of


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    image, found = decode_upright(data, info)
    kept = found.to_keep(info.orientation, options.strip)
    image = flatten_on_white(image) if image.mode == "RGBA" else image
    overlay.draw(image, kept.icc)
    return Encoded(jpeg.encode(image, kept, options), "JPEG", ("converted from HEIC to JPEG",))


def decode_upright(
    data: bytes,
    info: PictureInfo,  # noqa: ARG001 - as every codec
    at_least: int | None = None,  # noqa: ARG001
) -> tuple[Image.Image, Metadata]:
    heif = pi_heif.open_heif(data, convert_hdr_to_8bit=True)
    image = Image.frombytes(heif.mode, heif.size, heif.data, "raw", heif.mode, heif.stride)
    found = metadata_of(heif.info)
    return image, Metadata(found.icc, exif.make_upright(found.exif), found.xmp)
