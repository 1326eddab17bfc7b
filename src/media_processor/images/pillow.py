"""Opens and saves with Pillow, one format at a time, and sets its limits once."""

from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.ImageFile import ImageFile

from media_processor.images import exif
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata

# Pillow keeps this many blocks of 16 MB for the next picture instead of giving them back:
# 12 megapixels need three. It saves a tenth of the CPU there (156 ms instead of 173).
Image.core.set_blocks_max(4)  # type: ignore[attr-defined]

# The limits were checked before a pixel is touched.
Image.MAX_IMAGE_PIXELS = None

_ARTIST = 0x013B
_PLUGINS = {"WEBP": "WebPImagePlugin"}


def open_image(data: bytes, kind: str) -> ImageFile:
    # Image.open would import every common plugin, and start Ghostscript for an EPS.
    import_module(f"PIL.{_PLUGINS.get(kind, f'{kind.capitalize()}ImagePlugin')}")
    open_file, _ = Image.OPEN[kind]
    image = open_file(BytesIO(data), "")
    image.decodermaxblock = len(data)  # one read; a large JPEG decodes 5 % faster
    return image


def encode_image(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def metadata_of(info: Mapping[Any, object]) -> Metadata:
    def payload(name: str) -> bytes:
        value = info.get(name)
        return value if isinstance(value, bytes) else b""

    return Metadata(
        payload("icc_profile"), payload("exif").removeprefix(exif.PREFIX), payload("xmp")
    )


def read_artist(data: bytes, kind: str) -> str:
    try:
        return str(open_image(data, kind).getexif().get(_ARTIST, ""))
    except Exception:  # nothing that Pillow meets in there is worth a failure
        return ""


def decode_upright(
    data: bytes,
    info: PictureInfo,
    at_least: int | None = None,
    crop: tuple[int, int, int, int] | None = None,
) -> tuple[Image.Image, Metadata]:
    """``crop`` is what is shown of the coded picture, in stored coordinates."""
    from PIL.ImageOps import exif_transpose

    source = open_image(data, info.format)
    if at_least:
        source.draft(None, (at_least, at_least))
    source.load()
    found = metadata_of(source.info)
    image = to_drawable(to_eight_bits(source))
    image = exif_transpose(image.crop(crop) if crop else image)
    return image, Metadata(found.icc, exif.make_upright(found.exif), found.xmp)


def flatten_on_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, (0, 0), image.getchannel("A"))
    return flat


def to_drawable(image: Image.Image) -> Image.Image:
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


def to_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode != "I;16":
        return image
    return image.convert("I").point(_high_byte).convert("L")


def _high_byte(value: Any) -> Any:
    return value * (1 / 257)
