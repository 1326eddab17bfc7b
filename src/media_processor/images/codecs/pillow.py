"""Pillow's doors: opened for one format at a time, and told its limits once."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile

from media_processor.images import exif
from media_processor.images.info import Format
from media_processor.images.metadata import Metadata

# Pillow keeps this many blocks of 16 MB for the next picture instead of giving them back:
# 12 megapixels need three. It saves a tenth of the CPU there (156 ms instead of 173).
Image.core.set_blocks_max(4)  # type: ignore[attr-defined]

# The limits were checked before a pixel is touched.
Image.MAX_IMAGE_PIXELS = None


def opened(data: bytes, kind: Format) -> ImageFile:
    """Open lazily. Never without ``formats``: Pillow would start Ghostscript for an EPS."""
    image = Image.open(BytesIO(data), formats=[kind])
    image.decodermaxblock = len(data)  # one read; a large JPEG decodes 5 % faster
    return image


def encoded(image: Image.Image, kind: Format, **options: object) -> bytes:
    """The file of ``image``."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def metadata_in(info: Mapping[Any, object]) -> Metadata:
    """What a reader found besides the pixels."""

    def payload(name: str) -> bytes:
        value = info.get(name)
        return value if isinstance(value, bytes) else b""

    return Metadata(
        payload("icc_profile"), payload("exif").removeprefix(exif.PREFIX), payload("xmp")
    )


def artist(data: bytes, kind: Format) -> str:
    """Who made the picture, by its EXIF; empty where that can't be read."""
    try:
        return str(opened(data, kind).getexif().get(ExifTags.Base.Artist, ""))
    except Exception:  # nothing that Pillow meets in there is worth a failure
        return ""


def stampable(image: Image.Image) -> Image.Image:
    """Change the modes that can't show a mark, without changing what is seen."""
    transparent = image.has_transparency_data
    if image.mode == "P":
        return image.convert("RGBA" if transparent else "RGB")
    if image.mode == "PA":
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("LA" if transparent else "L")
    if image.mode in ("L", "RGB") and transparent:
        return image.convert(image.mode + "A")
    return image
