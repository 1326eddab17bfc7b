"""WebP, still and animated; each frame stays lossy or lossless."""

from functools import partial
from typing import Any

from PIL import Image

from media_processor.errors import BrokenPicture
from media_processor.images.animation import Screen, clear
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import webp
from media_processor.images.geometry import Box, corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import decode_upright as decode_upright
from media_processor.images.pillow import encode_image, open_image, to_drawable
from media_processor.images.quality import quality_within

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset({"icc", "exif", "xmp"})

# Method 2 takes 132 ms for 1.7 megapixels and 214 kB; the default (4) 263 ms and 210 kB.
# Quality 90 makes a picture that came with 80 a quarter larger and keeps 45 dB of it.
_LOSSY: dict[str, Any] = {"quality": 90, "method": 2}

_GROWTH = 1.2
_QUALITIES = range(40, 91, 2)

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
    lossless = webp.is_lossless(data)
    size = sum(len(payload) for _, payload in webp.pixels(data))
    coding = _LOSSLESS if lossless else _like(image, size, options)
    overlay.draw(image, kept.icc)
    coded = _pixels(image, coding)
    return webp.build(image.size, coded, kept, alpha=image.mode == "RGBA")


def _watermark_animation(data: bytes, overlay: Overlay, kept: Metadata, options: Options) -> bytes:
    """Frames that the overlay doesn't touch stay to the byte."""
    image = open_image(webp.strip(data), "WEBP")
    screen = Screen(image.size, overlay, step=2)
    parts = [(b"ANIM", webp.animation(data))]
    lossy: dict[str, Any] | None = None
    before = Image.new("RGBA", image.size)
    for number, frame in enumerate(webp.frames(data)):
        image.seek(number)
        canvas, place = image.convert("RGBA"), frame.place
        overlay.choose(partial(_part, canvas))
        area = corners(screen.area)
        plain = canvas.crop(area)
        part = frame.copy()
        if not screen.is_untouched(frame.place) or (options.quality and not frame.lossless):
            if not frame.lossless and lossy is None:  # later ones show what has changed
                lossy = _like(canvas.crop(corners(frame.place)), frame.coded, options)
            overlay.draw(canvas, kept.icc)
            was = before.crop(area) if frame.blends and number else None
            place, part = _redraw(screen, frame, canvas, plain, was, lossy)
        parts.append(part)
        screen.show(canvas, place, frame.place, "clear" if frame.clears else "keep")
        canvas.paste(plain, area)
        if frame.clears:
            clear(canvas, frame.place)
        before = canvas
    return webp.build(image.size, parts, kept, alpha=True)


def _redraw(
    screen: Screen,
    frame: webp.Frame,
    canvas: Image.Image,
    plain: Image.Image,
    was: Image.Image | None,
    lossy: dict[str, Any] | None,
) -> tuple[Box, tuple[bytes, bytes]]:
    """Where and as what ``frame`` is drawn; see Screen.redraw."""
    if not frame.lossless and lossy:
        place = screen.to_redraw(canvas, frame.place)
        coded = _pixels(canvas.crop(corners(place)), lossy)
        return place, webp.frame(place, frame, coded, over=False)
    alone = open_image(frame.alone(), "WEBP").convert("RGBA")
    redrawn = screen.redraw(alone, frame.place, canvas, plain, was)
    if redrawn is None:
        return frame.place, frame.copy()
    coded = _pixels(redrawn.image, _LOSSLESS)
    return redrawn.place, webp.frame(redrawn.place, frame, coded, over=redrawn.over)


def _like(image: Image.Image, size: int, options: Options) -> dict[str, Any]:
    """How ``image``, which took ``size`` bytes, is coded with loss."""
    if options.coding:
        return _LOSSY | options.coding

    def encode(sample: Image.Image, quality: int) -> bytes:
        return encode_image(sample, "WEBP", **(_LOSSY | {"quality": quality}))

    return _LOSSY | {"quality": quality_within(_GROWTH * size, image, _QUALITIES, encode)}


def _part(image: Image.Image, box: Box) -> Image.Image:
    return image.crop(corners(box))


def _pixels(image: Image.Image, coding: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    parts = webp.pixels(encode_image(image, "WEBP", **coding))
    if not parts:
        raise BrokenPicture("The picture can't be encoded.")
    return parts
