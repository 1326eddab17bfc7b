"""The only module that uses the native core, which changes only what the overlay covers.

What it can't do it declines with a reason, which ends up in the result, and the picture is
decoded instead. The core is optional: where it isn't installed that is the reason.
"""

from collections.abc import Callable

from media_processor.images.codecs import Encoded, Options
from media_processor.images.containers import appended, jpeg, png
from media_processor.images.containers.gain_map import GainMap
from media_processor.images.gain_overlay import overlay_pixels
from media_processor.images.info import PictureInfo
from media_processor.images.overlay import Overlay, OverlayPixels
from media_processor.installation import NO_NATIVE_CORE

try:
    import media_processor_native as native
except ImportError:
    native = None  # type: ignore[assignment,unused-ignore]


# For a JPEG with standard tables the splice takes 7 % of the time of decoding where the overlay
# covers 4 %, 36 % at 25 %, 88 % at 56 % and 111 % at 100 %.
_MOST_COVERED = 0.6


class Declined(Exception):
    """The core can't watermark this picture; ``reason`` says why, in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_installed() -> bool:
    return native is not None


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """Raises Declined if the core can't watermark it."""
    way = _WAYS.get(info.format)
    if way is None:
        raise Declined(f"{info.format} can't be spliced")
    if native is None:
        raise Declined(NO_NATIVE_CORE)
    if options.quality:
        raise Declined("the profile sets a quality")
    if overlay.blend != "normal":
        raise Declined(f"blend mode {overlay.blend}")
    if not overlay.is_chosen:
        raise Declined("the profile has logo variants")
    try:
        return way(data, info, overlay, options)
    except native.Declined as declined:
        raise Declined(str(declined)) from None


def _jpeg(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    found = jpeg.read_metadata(data, options.limits)
    pixels = overlay.pixels("L" if jpeg.components(data) == 1 else "RGB", found.icc)
    if pixels.covered * len(overlay.stored) > _MOST_COVERED * info.width * info.height:
        raise Declined("the overlay covers most of the picture")
    more = appended.read(data, options.limits, options.strip, options.motion)
    drawn = _gain_map(more.gain_map, pixels, overlay, info, options) if more.gain_map else b""
    more = more if drawn else more.without_gain_map()
    lengths = len(drawn), len(more.video), len(more.before)
    kept = found.to_keep(info.orientation, options.strip, *lengths)
    kept = jpeg.fit_metadata(kept, info.orientation)
    header = jpeg.write_metadata(kept, more.segments)
    places = [(box.left, box.top) for box in overlay.stored]
    spliced = native.splice_jpeg(data, pixels.samples, places, header, options.limits.memory)
    whole = more.attach(memoryview(spliced), header, drawn)
    return Encoded(
        whole, "JPEG", (*kept.notes, *more.all_notes(data, spliced.end)), method="splice"
    )


def _gain_map(
    found: GainMap, pixels: OverlayPixels, overlay: Overlay, info: PictureInfo, options: Options
) -> bytes:
    over, place = overlay_pixels(found, pixels, overlay, info)
    try:
        spliced = native.splice_jpeg(
            found.data, over.samples, [place], found.segments, options.limits.memory
        )
    except native.Declined:
        from media_processor.images.codecs.jpeg import draw_gain_map  # rare

        return draw_gain_map(found, pixels, overlay, info)
    return bytes(spliced)


def _png(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    kept = png.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)
    pixels = overlay.pixels("L" if png.header(data).is_grey else "RGB", kept.icc)
    spliced = native.splice_png(
        data,
        pixels.samples,
        [(box.left, box.top) for box in overlay.stored],
        png.write_metadata(data, kept, same_colours=True),
        options.limits.memory,
    )
    return Encoded(memoryview(spliced), "PNG", kept.notes, method="splice")


_WAYS: dict[str, Callable[[bytes, PictureInfo, Overlay, Options], Encoded]] = {
    "JPEG": _jpeg,
    "PNG": _png,
}
