"""Uncompressed, so that there is nothing to decode."""

from PIL import Image

from media_processor.images.codecs import Encoded, Options
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.limits import Limits

from . import container

MODES = frozenset({"RGB"})
CARRIED = frozenset[str]()
NO_METADATA, OPTIONS = Metadata(), Options(Limits())


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    image, kept = decode_upright(data, info)
    overlay.draw(image)
    return Encoded(encode(image, kept, options), "TOY")


def decode_upright(
    data: bytes,
    info: PictureInfo,
    at_least: int | None = None,  # noqa: ARG001
) -> tuple[Image.Image, Metadata]:
    return Image.frombytes("RGB", (info.width, info.height), data[8:]), NO_METADATA


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    return container.write(image.size, image.convert("RGB").tobytes())
