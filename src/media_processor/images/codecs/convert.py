"""One picture of any format as another format, for profiles that ask for it."""

from media_processor.formats import PictureFormat
from media_processor.images.codecs import Encoded, Options, codec_of
from media_processor.images.colour import convert_to_srgb
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import flatten_on_white


def watermark(
    data: bytes, info: PictureInfo, overlay: Overlay, options: Options, target: PictureFormat
) -> Encoded:
    """The first frame, upright, 8 bits, as ``target``. ``overlay`` fits the upright picture."""
    image, found = codec_of(info.kind).decode_upright(data, info)
    codec = codec_of(target)
    kept = found.to_keep(1, options.strip)
    notes = [f"converted from {info.format} to {target.name}, as the profile requires"]
    if info.frames > 1:
        notes.append(f"only the first of {info.frames} frames was kept")
    if image.mode == "CMYK" and image.mode not in codec.MODES:
        image, kept = convert_to_srgb(image, kept.icc), Metadata(b"", kept.exif, kept.xmp)
    if image.mode in ("LA", "RGBA") and image.mode not in codec.MODES:
        image = flatten_on_white(image.convert("RGBA"))
    overlay.draw(image, kept.icc)
    return Encoded(codec.encode(image, kept, options), target.name, tuple(notes))
