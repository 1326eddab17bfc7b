"""The overlay on a gain map: there the map means a boost of 1, as bright as in SDR."""

import math
from functools import lru_cache

from PIL import Image, ImageChops

from media_processor.images.containers.gain_map import GainMap
from media_processor.images.info import PictureInfo, Size
from media_processor.images.overlay import Overlay, OverlayPixels

# Viewers interpolate between the map's samples, and the places of a tile fall on any part of
# one: so far beyond the overlay, in samples, the map is changed, too.
_BEFORE, _REACH = 4, 4
# Whole blocks of a JPEG, as within one an edge rings: of 8 x 8 samples, or twice that where
# colours are subsampled.
_BLOCK = {"L": 8, "RGB": 16}

Places = tuple[tuple[int, int], ...]


def overlay_pixels(
    found: GainMap, pixels: OverlayPixels, overlay: Overlay, info: PictureInfo
) -> tuple[OverlayPixels, tuple[int, int]]:
    """In the map's own pixels, with the place where it goes; ``pixels`` are the picture's."""
    scale = found.size[0] / info.width, found.size[1] / info.height
    places = tuple(
        (math.floor(box.left * scale[0]) - 2, math.floor(box.top * scale[1]) - 2)
        for box in overlay.stored
    )
    return _render(pixels, scale, places, found.size, found.neutral)


@lru_cache(4)
def _render(
    pixels: OverlayPixels,
    scale: tuple[float, float],
    places: Places,
    size: Size,
    neutral: tuple[int, ...],
) -> tuple[OverlayPixels, tuple[int, int]]:
    mask = _mask(pixels, scale)
    mode = "L" if len(neutral) == 1 else "RGB"
    block = _BLOCK[mode]
    left, top = (max(0, min(place[axis] for place in places)) // block * block for axis in (0, 1))
    right, bottom = (
        min(size[axis], max(place[axis] for place in places) + mask.size[axis]) for axis in (0, 1)
    )
    blocks = max(1, -(-(right - left) // block)), max(1, -(-(bottom - top) // block))
    whole = Image.new("L", (blocks[0] * block, blocks[1] * block))
    for x, y in places:
        area = (x - left, y - top, x - left + mask.width, y - top + mask.height)
        whole.paste(ImageChops.lighter(whole.crop(area), mask), area[:2])
    # Each block's highest sample is at its first one, and stands for all of it.
    whole = _highest(_highest(whole, block, (1, 0)), block, (0, 1))
    start = 0.5 - block / 2
    alpha = whole.transform(
        blocks, Image.Transform.AFFINE, (block, 0, start, 0, block, start), Image.Resampling.NEAREST
    ).resize(whole.size, Image.Resampling.NEAREST)
    colour = neutral[0] if mode == "L" else neutral
    return OverlayPixels(Image.new(mode, whole.size, colour), alpha), (left, top)


def _mask(pixels: OverlayPixels, scale: tuple[float, float]) -> Image.Image:
    """The most opaque of the overlay's pixels that a sample of the map has to do with."""
    alpha = pixels.alpha
    reach = [math.ceil(_REACH / share) for share in scale]
    size = alpha.width + 2 * reach[0], alpha.height + 2 * reach[1]
    wide = Image.new("L", size)
    wide.paste(alpha, (reach[0], reach[1]))
    wide = _highest(_highest(wide, reach[0], (1, 0)), reach[1], (0, 1))
    steps = [1 / share for share in scale]
    starts = [reach[axis] - _BEFORE * steps[axis] + 0.5 - steps[axis] / 2 for axis in (0, 1)]
    small = tuple(
        math.ceil(side * share) + _BEFORE + 1 for side, share in zip(alpha.size, scale, strict=True)
    )
    return wide.transform(
        (small[0], small[1]),
        Image.Transform.AFFINE,
        (steps[0], 0, starts[0], 0, steps[1], starts[1]),
        Image.Resampling.NEAREST,
    )


def _highest(image: Image.Image, reach: int, axis: tuple[int, int]) -> Image.Image:
    # Of each pixel and the ``reach`` - 1 that follow it; what comes round from the other side is
    # empty.
    done = 1
    while done < reach:
        step = min(done, reach - done)
        moved = ImageChops.offset(image, -step * axis[0], -step * axis[1])
        image = ImageChops.lighter(image, moved)
        done += step
    return image
