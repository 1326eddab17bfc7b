"""How well a lossy picture may be coded so that it isn't much larger than its source."""

from collections.abc import Callable, Sequence

from PIL import Image

# Patches of this side, in six rows of six, say what the whole costs. Coders work in blocks of at
# most 64. (Three rows of three larger ones missed by up to 40 %, these by 11 %.)
_PATCH = 64
_ROWS = 6

Encode = Callable[[Image.Image, int], bytes]
"""Makes a file of an image with a quality."""


def quality_within(size: float, image: Image.Image, choices: Sequence[int], encode: Encode) -> int:
    """The highest of ``choices``, which rise, with which ``image`` has at most ``size`` bytes;
    else the lowest. It is judged by a sample."""
    sample = _sample(image)
    room = size * (sample.width * sample.height) / (image.width * image.height)
    low, high = 0, len(choices) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if len(encode(sample, choices[middle])) <= room:
            low = middle
        else:
            high = middle - 1
    return choices[low]


def _sample(image: Image.Image) -> Image.Image:
    side = _PATCH * _ROWS
    if min(image.size) <= side:
        return image
    sample = Image.new(image.mode, (side, side))
    across, down = (length // _ROWS for length in image.size)
    for row in range(_ROWS):
        for column in range(_ROWS):
            # In the middle of its share, where a block of most coders begins.
            left = (column * across + (across - _PATCH) // 2) & ~15
            top = (row * down + (down - _PATCH) // 2) & ~15
            patch = image.crop((left, top, left + _PATCH, top + _PATCH))
            sample.paste(patch, (column * _PATCH, row * _PATCH))
    return sample
