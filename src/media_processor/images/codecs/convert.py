"""One picture of any format as another format, for profiles that ask for it."""

from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps

from media_processor.images import exif
from media_processor.images.codecs import Encoded, Options
from media_processor.images.codecs import heif as heif_codec
from media_processor.images.codecs.jpeg import dressed
from media_processor.images.codecs.pillow import encoded, metadata_in, opened, stampable
from media_processor.images.containers import png
from media_processor.images.info import Format, PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay

_CODING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 92, "subsampling": 0},
    "WEBP": {"quality": 90, "method": 2},
    "AVIF": {"quality": 90, "speed": 8},
    "PNG": {"compress_level": 2},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
_WITHOUT_ALPHA = ("JPEG", "BMP")


def watermark(
    data: bytes, info: PictureInfo, overlay: Overlay, options: Options, target: Format
) -> Encoded:
    """The first frame, upright, 8 bits, as ``target``. ``overlay`` fits the upright picture."""
    image, found = upright(data, info)
    kept = found.kept(1, options.strip)
    notes = [f"{info.format} was asked to come out as {target}"]
    if info.frames > 1:
        notes.append(f"of {info.frames} frames the first is kept")
    if image.mode == "CMYK" and target not in ("JPEG", "TIFF"):
        image, kept = as_srgb(image, kept.icc), Metadata(b"", kept.exif, kept.xmp)
    if target in _WITHOUT_ALPHA and image.mode in ("LA", "RGBA"):
        image = heif_codec.on_white(image.convert("RGBA"))
    overlay.draw(image, kept.icc)
    if target == "GIF":
        image = image.convert("RGBA").quantize(256) if "A" in image.mode else image.quantize(256)
    coding = _CODING.get(target, {}) | options.coding
    if target == "JPEG":
        result = dressed(encoded(image, "JPEG", **coding), kept, 1)
    elif target == "PNG":
        plain = encoded(image, "PNG", **coding)
        result = png.dressed(plain, plain, kept)
    else:
        carried = {"icc_profile": kept.icc or None}
        if target in ("WEBP", "AVIF"):
            carried |= {"exif": kept.exif, "xmp": kept.xmp}
        result = encoded(image, target, **coding, **carried)
    return Encoded(result, target, tuple(notes))


def upright(
    data: bytes, info: PictureInfo, at_least: int | None = None
) -> tuple[Image.Image, Metadata]:
    """The first frame as it is displayed, in 8 bits, and what goes with it.

    Where that is cheaper it is smaller, but no side is shorter than ``at_least`` pixels.
    """
    if info.format == "HEIF":
        return heif_codec.decoded(data)
    source = opened(data, info.format)
    if at_least:
        source.draft(None, (at_least, at_least))
    source.load()
    found = metadata_in(source.info)
    image = source if source.mode != "I;16" else source.convert("I").point(_high_byte).convert("L")
    image = ImageOps.exif_transpose(stampable(image))
    return image, Metadata(found.icc, exif.upright(found.exif), found.xmp)


def _high_byte(value: Any) -> Any:
    return value * (1 / 257)


def as_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """A picture of the colour profile ``icc`` as RGB in sRGB; converted without a profile, or
    with one that is damaged or of another kind, as Pillow has it."""
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            converted = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB")
