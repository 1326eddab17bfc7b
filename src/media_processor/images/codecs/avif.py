"""AVIF, still and animated; coded anew, so a little is lost everywhere."""

import os
from dataclasses import replace
from typing import Any

from PIL import AvifImagePlugin, ExifTags, Image

from media_processor.images import exif, pillow
from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import isobmff, nclx, tracks
from media_processor.images.containers.items import items_of
from media_processor.images.geometry import corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import encode_image, metadata_of, open_image, to_drawable
from media_processor.images.quality import quality_within

_LOGO_COLOURS = (
    "the logo's colours may look different: the picture's own aren't sRGB's (primaries %d, "
    "transfer %d)"
)

# Each takes a stack and buffers of its own, and a machine may have a hundred processors.
AvifImagePlugin.DEFAULT_MAX_THREADS = min(4, os.cpu_count() or 1)

MODES = frozenset({"L", "LA", "RGB", "RGBA"})
CARRIED = frozenset({"icc", "exif", "xmp"})
_CODING: dict[str, Any] = {"quality": 90, "speed": 8}
# At this speed a picture takes more than its encoder needed, and its sample more than the whole.
_GROWTH = 1.35
_QUALITIES = range(35, 91, 5)


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """More than 8 bits a sample become 8."""
    image, crop = open_image(data, "AVIF"), isobmff.crop(data)
    frames, durations = [], []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        frame = to_drawable(image.crop(corners(crop)) if crop else image.copy())
        if number == 0 and not options.quality:
            size = tracks.first_frame_bytes(data) if info.frames > 1 else len(data)
            options = replace(options, quality=_quality(frame, size))
        overlay.draw(frame, image.info.get("icc_profile") or b"")
        frames.append(frame)
        durations.append(image.info.get("duration", 0))
    found = replace(metadata_of(image.info), exif=_exif(data))
    kept = found.to_keep(info.orientation, options.strip)
    how = _coding(kept, options, info.orientation)
    if len(frames) > 1:
        how |= {"save_all": True, "append_images": frames[1:], "duration": durations}
    try:
        result = encode_image(frames[0], "AVIF", **how)
    except RuntimeError as error:  # libaom doesn't say that it got no memory
        raise MemoryError from error
    if len(frames) > 1 and (count := tracks.plays(data)):
        result = tracks.set_plays(result, count)
    notes = isobmff.read_metadata(data, options.limits).notes
    if colours := nclx.unusual(data):
        result = nclx.replace(result, *colours)
        notes += () if kept.icc else (_LOGO_COLOURS % colours,)
    if (depth := isobmff.depth(data)) > 8:
        notes += (f"{depth} bits a sample became 8",)
    return Encoded(result, "AVIF", (*kept.notes, *notes))


def decode_upright(
    data: bytes, info: PictureInfo, at_least: int | None = None
) -> tuple[Image.Image, Metadata]:
    crop = isobmff.crop(data)
    return pillow.decode_upright(data, info, at_least, corners(crop) if crop else None)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:
    return encode_image(image, "AVIF", **_coding(kept, options))


def _exif(data: bytes) -> bytes:
    """As it lies in the file (ISO/IEC 23008-12, A.2.1); where it says another orientation than
    ``irot`` and ``imir``, Pillow gives it written anew."""
    found = items_of(data)
    for each in found.references() if found else ():
        if found and each.kind == b"cdsc" and found.primary in each.targets:
            item = found.all().get(each.source)
            if item and item.kind == b"Exif":
                content = found.content(each.source, len(data))
                start = 4 + int.from_bytes(content[:4])
                return content[start:].removeprefix(exif.PREFIX)
    return b""


def _quality(image: Image.Image, size: int) -> int:
    def encode(sample: Image.Image, quality: int) -> bytes:
        return encode_image(sample, "AVIF", **(_CODING | {"quality": quality}))

    return quality_within(_GROWTH * size, image, _QUALITIES, encode)


def _coding(kept: Metadata, options: Options, orientation: int = 1) -> dict[str, Any]:
    payload = _Exif(kept.exif, orientation)
    carried = {"icc_profile": kept.icc or None, "exif": payload, "xmp": kept.xmp}
    return _CODING | options.coding | carried


class _Exif(Image.Exif):
    """EXIF that Pillow writes as it is. Given bytes, it writes them anew: without letters beyond
    ASCII, and with a MakerNote that has moved."""

    def __init__(self, payload: bytes, orientation: int) -> None:
        super().__init__()
        self[ExifTags.Base.Orientation] = orientation  # becomes irot and imir
        # libavif believes this one, too.
        self._payload = exif.PREFIX + exif.turn(payload, orientation) if payload else b""

    def __bool__(self) -> bool:
        return True

    def tobytes(self, offset: int = 8) -> bytes:  # noqa: ARG002 - as Pillow's
        return self._payload
