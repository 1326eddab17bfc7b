"""WebP, still and animated; each frame stays lossy or lossless."""

from typing import Any

from PIL import Image

from media_processor.errors import BrokenPicture
from media_processor.images.animation import Screen
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import webp
from media_processor.images.geometry import Box, corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image, to_drawable

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset({"icc", "exif", "xmp"})

# Method 2 takes 132 ms for 1.7 megapixels and 214 kB; the default (4) 263 ms and 210 kB.
# Quality 90 makes a picture that came with 80 a quarter larger and keeps 45 dB of it.
_LOSSY: dict[str, Any] = {"quality": 90, "method": 2}

# Method 0 takes a seventh of the time but doubles the file of a drawing; method 4 costs
# 300 ms where this takes 240, for the same size. ``exact`` keeps what alpha hides.
_LOSSLESS: dict[str, Any] = {"lossless": True, "quality": 0, "method": 1, "exact": True}


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    kept = webp.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)
    make = _watermark_animation if info.frames > 1 or webp.frames(data) else _watermark_still
    return Encoded(make(data, overlay, kept, options), "WEBP", kept.notes)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:
    carried = {"icc_profile": kept.icc or None, "exif": kept.exif, "xmp": kept.xmp}
    return encode_image(image, "WEBP", **(_LOSSY | options.coding | carried))


def _watermark_still(data: bytes, overlay: Overlay, kept: Metadata, options: Options) -> bytes:
    source = open_image(webp.strip(data), "WEBP")
    source.load()
    image = to_drawable(source)
    overlay.draw(image, kept.icc)
    coded = _pixels(image, _coding(options, lossless=webp.is_lossless(data)))
    return webp.build(image.size, coded, kept, alpha=image.mode == "RGBA")


def _watermark_animation(data: bytes, overlay: Overlay, kept: Metadata, options: Options) -> bytes:
    image = open_image(webp.strip(data), "WEBP")
    screen = Screen(image.size, overlay)
    parts = [(b"ANIM", webp.animation(data))]
    for number, frame in enumerate(webp.frames(data)):
        image.seek(number)
        canvas = image.convert("RGBA")
        overlay.draw(canvas, kept.icc)
        place = Box(frame.left, frame.top, frame.width, frame.height)
        own, place = place, _even(screen.to_redraw(canvas, place))
        screen.show(canvas, place, own, "clear" if frame.clears else "keep")
        coded = _pixels(canvas.crop(corners(place)), _coding(options, lossless=frame.lossless))
        parts.append(webp.frame(place, frame, coded))
    return webp.build(image.size, parts, kept, alpha=True)


def _coding(options: Options, *, lossless: bool) -> dict[str, Any]:
    return _LOSSLESS if lossless else _LOSSY | options.coding


def _pixels(image: Image.Image, coding: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    parts = webp.pixels(encode_image(image, "WEBP", **coding))
    if not parts:
        raise BrokenPicture("The picture can't be encoded.")
    return parts


def _even(place: Box) -> Box:
    # A WebP's frames begin at even places.
    left, top = place.left % 2, place.top % 2
    return Box(place.left - left, place.top - top, place.width + left, place.height + top)
