"""How alike a source and its result are outside the overlay, by each reader that opens both."""

import math
import resource
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media_processor.images.geometry import Box
from media_processor.images.info import PictureInfo
from media_processor.images.logo import bundled_logo_path, load_logo
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT
from media_processor.limits import Limits
from media_processor.messages.results import WatermarkResult

from .readers import Frame, Pixels, Read, opened

# A block of 16 pixels, and what its colours are mixed with when they are interpolated.
_BLOCKS = 33
_MOST_PIXELS = 4_000_000
_ROWS = 256
_ROUNDING = 1e-20
_MEMORY = 6 << 30
_LOSSY = {"JPEG": 55.0, "WEBP": 36.0, "AVIF": 30.0, "HEIF": 32.0}
_LIKE_JPEG = 38.0  # whole strips or tiles of a TIFF


@dataclass(frozen=True)
class Pair:
    name: str
    source: Path
    result: Path
    made: WatermarkResult


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def faults(pair: Pair) -> list[str]:
    """What is wrong with a result; runs in a process of its own."""
    if pair.made.method == "skip":
        return [] if pair.source.read_bytes() == pair.result.read_bytes() else ["it was changed"]
    info = probe(pair.source, Limits())
    if info.width * info.height * info.frames > _MOST_PIXELS:
        return []
    before, after = opened(pair.source), opened(pair.result)
    found = [f"{reader} refuses it" for reader in before if reader not in after]
    if not after:
        found.append("no reader opens it")
    overlay = Overlay([load_logo(bundled_logo_path())], DEFAULT, info)
    for reader in before.keys() & after.keys():
        boxes = overlay.boxes if before[reader].is_displayed else overlay.stored
        found += _differences(reader, before[reader], after[reader], boxes, info, pair)
    return found


def _differences(
    reader: str, before: Read, after: Read, boxes: list[Box], info: PictureInfo, pair: Pair
) -> list[str]:
    found = []
    has_pages = info.kind.has_pages
    if len(before.frames) != len(after.frames):
        found.append(f"{reader}: {len(after.frames)} frames, not {len(before.frames)}")
    if not has_pages and (before.durations, before.loop) != (after.durations, after.loop):
        found.append(f"{reader}: other times or repetitions")
    least, margin = _least(pair, info), _BLOCKS if info.format in _LOSSY else 0
    for number, (one, other) in enumerate(zip(before.frames, after.frames, strict=False)):
        places = [] if has_pages and number else boxes
        likeness = _likeness(one, other, places, margin)
        if likeness < least:
            found.append(f"{reader}, frame {number}: {likeness:.1f} dB, not {least:.0f}")
            break
    return found


def _least(pair: Pair, info: PictureInfo) -> float:
    notes = " ".join(pair.made.notes)
    if info.format == "GIF" and "similar ones" in notes:
        return 40
    if info.format == "WEBP" and b"VP8 " not in pair.source.read_bytes():
        return math.inf
    if info.format == "JPEG" and pair.made.method == "decode":
        return 47
    if info.format == "TIFF" and b"\xff\xd8\xff" in pair.source.read_bytes():
        return _LIKE_JPEG
    return _LOSSY.get(info.format, math.inf)


def _likeness(before: Frame, after: Frame, boxes: list[Box], margin: int) -> float:
    """PSNR in dB, as seen on white; ``inf`` if they are the same."""
    if before.pixels.shape[:2] != after.pixels.shape[:2]:
        return 0
    high, wide = before.pixels.shape[:2]
    seen = np.ones((high, wide), bool)
    for box in boxes:
        rows = slice(max(0, box.top - margin), max(0, box.top + box.height + margin))
        seen[rows, max(0, box.left - margin) : max(0, box.left + box.width + margin)] = False
    is_reduced = before.pixels.dtype == np.uint16 and after.pixels.dtype == np.uint8
    error = 0.0
    for top in range(0, high, _ROWS):
        rows = slice(top, top + _ROWS)
        one, other = before.pixels[rows], after.pixels[rows]
        one = (one >> 8).astype(np.uint8) if is_reduced else one
        apart = _shown(one, before.has_alpha) - _shown(other, after.has_alpha)
        error += float(np.nansum(apart[seen[rows]] ** 2))
    mean = error / (3 * max(1, int(seen.sum())))
    return -10 * math.log10(mean) if mean > _ROUNDING else math.inf


def _shown(pixels: Pixels, has_alpha: bool) -> Pixels:
    peak = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "iu" else 1
    scaled = pixels.astype(float) / peak
    if has_alpha:
        colours, alpha = scaled[:, :, :-1], scaled[:, :, -1:]
        scaled = colours * alpha + 1 - alpha
    return np.repeat(scaled, 3, axis=2) if scaled.shape[2] == 1 else scaled
