"""Which blocks of a picture were changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageChops

from media_processor.errors import BrokenPicture
from media_processor.images.codecs import codec_of
from media_processor.images.probe import DAMAGED, guarded, probe
from media_processor.limits import Limits

# A JPEG's blocks; where it is turned for display, or its colour is subsampled, they are
# a finer or shifted grid than the codec's own.
BLOCK = 8
# Rows compared at a time: copies of a whole picture of 100 megapixels would be 400 MB each.
_STRIP = 32 * BLOCK

Run = tuple[int, int, int]


@dataclass(frozen=True)
class Difference:
    """``runs`` are (row, first column, number of columns), in blocks of ``block`` pixels;
    ``width`` and ``height`` are in pixels, as displayed."""

    width: int
    height: int
    block: int
    columns: int
    rows: int
    touched: int
    runs: tuple[Run, ...]


def difference(before: Path, after: Path, limits: Limits) -> Difference:
    """Compare two pictures of one size as they are displayed, in 8 bits, first frames only.

    Raises a PictureError where one can't be used or the sizes differ.
    """
    first, second = _decode(before, limits), _decode(after, limits)
    if first.size != second.size:
        raise BrokenPicture("The two pictures differ in size.")
    if first.mode != second.mode:
        first, second = first.convert("RGBA"), second.convert("RGBA")
    width, height = first.size
    runs = tuple(_runs(first, second))
    return Difference(
        width=width,
        height=height,
        block=BLOCK,
        columns=-(-width // BLOCK),
        rows=-(-height // BLOCK),
        touched=sum(count for _, _, count in runs),
        runs=runs,
    )


def _decode(source: Path, limits: Limits) -> Image.Image:
    data = source.read_bytes()
    info = probe(data, limits)
    info.check_memory(limits)
    with guarded(DAMAGED):
        return codec_of(info.kind).decode_upright(data, info)[0]


def _runs(first: Image.Image, second: Image.Image) -> Iterator[Run]:
    for top in range(0, first.height, _STRIP):
        strip = (0, top, first.width, min(first.height, top + _STRIP))
        blocks = _compare(first.crop(strip), second.crop(strip))
        cells = blocks.tobytes()
        for row in range(blocks.height):
            line = cells[row * blocks.width : (row + 1) * blocks.width]
            yield from ((top // BLOCK + row, start, count) for start, count in _spans(line))


def _compare(first: Image.Image, second: Image.Image) -> Image.Image:
    # A pixel a block; 0 where no pixel of the block differs.
    bands = ImageChops.difference(first, second).split()
    differs = reduce(ImageChops.lighter, bands).point(_any)
    # The mean of 64 pixels of which one is 255 is 4.
    return differs.reduce(BLOCK)


def _any(value: int) -> int:
    return 255 if value else 0


def _spans(line: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    for touched, cells in groupby(line, bool):
        count = sum(1 for _ in cells)
        if touched:
            yield at, count
        at += count
