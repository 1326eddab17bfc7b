"""Samples of 10, 12, 14, 24 or 64 bits, and others that libvips can only take for rows of bytes.

Those of whole bytes have the file's byte order, the others follow each other from the highest bit
down (TIFF 6.0, section 7, FillOrder).
"""

import sys
from collections.abc import Callable
from functools import reduce
from math import lcm
from operator import or_

import pyvips
from pyvips.enums import BandFormat

from media_processor.images.geometry import Box
from media_processor.images.info import Size

DEPTHS = {10, 12, 14, 24, 64}


class Packed:
    """A picture of ``size``, of which ``reopen`` gives the bytes of each row."""

    def __init__(
        self,
        reopen: Callable[[], pyvips.Image],
        size: Size,
        bands: int,
        depth: int,
        *,
        big: bool,
    ) -> None:
        self._reopen, self.size, self._bands, self._depth = reopen, size, bands, depth
        self._is_reversed = depth in (16, 24) and not big
        self._is_foreign = big == (sys.byteorder == "little")
        # The least bytes that hold whole samples, and how many these are.
        self._bytes, self._samples = lcm(depth, 8) // 8, lcm(depth, 8) // depth
        self._format = BandFormat.UINT if depth > 16 else BandFormat.USHORT

    def part(self, box: Box) -> pyvips.Image:
        return self._rows(box).crop(box.left, 0, box.width, box.height)

    def with_part(self, part: pyvips.Image, box: Box) -> pyvips.Image:
        rows = self._rows(box).insert(part.copy_memory(), box.left, 0)
        return self._reopen().insert(self._pack(rows), 0, box.top)

    def _rows(self, box: Box) -> pyvips.Image:
        found = self._reopen()
        return self._unpack(found.crop(0, box.top, found.width, box.height))

    def _unpack(self, rows: pyvips.Image) -> pyvips.Image:
        if self._depth == 64:
            return self._swapped(_seen_as(rows, self.size[0], self._bands, BandFormat.DOUBLE))
        groups = _regroup(rows, self._bytes)
        parts = [groups[at].cast(BandFormat.UINT) for at in self._order()]
        whole = (1 << self._depth) - 1
        samples = [
            _either([_shifted(parts[at], -by) for at, by in self._overlaps(sample=number)]) & whole
            for number in range(self._samples)
        ]
        joined = samples[0].bandjoin(samples[1:]) if samples[1:] else samples[0]
        flat = _regroup(joined.cast(self._format), 1)
        width = self.size[0] * self._bands
        return _regroup(flat.crop(0, 0, width, flat.height), self._bands)

    def _pack(self, samples: pyvips.Image) -> pyvips.Image:
        if self._depth == 64:
            width = 8 * self._bands * samples.width
            return _seen_as(self._swapped(samples), width, 1, BandFormat.UCHAR)
        width = -(-samples.width * samples.bands * self._depth // 8)
        groups = _regroup(_regroup(samples, 1), self._samples).cast(BandFormat.UINT)
        parts = [
            (_either([_shifted(groups[n], by) for n, by in self._overlaps(byte=at)]) & 0xFF).cast(
                BandFormat.UCHAR
            )
            for at in range(self._bytes)
        ]
        ordered = [parts[at] for at in self._order()]
        flat = _regroup(ordered[0].bandjoin(ordered[1:]), 1)
        return flat.crop(0, 0, width, flat.height).copy_memory()

    def _overlaps(
        self, *, sample: int | None = None, byte: int | None = None
    ) -> list[tuple[int, int]]:
        """The bytes that have bits of a sample, or the samples that have bits in a byte; and by
        how many bits a sample is to be shifted up to be in the byte's place."""
        pairs = [
            (number, at, 8 * (at + 1) - (number + 1) * self._depth)
            for number in range(self._samples)
            for at in range(self._bytes)
        ]
        near = [pair for pair in pairs if -self._depth < pair[2] < 8]
        if sample is None:
            return [(number, shift) for number, at, shift in near if at == byte]
        return [(at, shift) for number, at, shift in near if number == sample]

    def _swapped(self, image: pyvips.Image) -> pyvips.Image:
        return image.byteswap() if self._is_foreign else image

    def _order(self) -> list[int]:
        order = list(range(self._bytes))
        return order[::-1] if self._is_reversed else order


def _shifted(image: pyvips.Image, up: int) -> pyvips.Image:
    return image << up if up > 0 else image >> -up


def _either(images: list[pyvips.Image]) -> pyvips.Image:
    return reduce(or_, images)


def _seen_as(image: pyvips.Image, width: int, bands: int, kind: str) -> pyvips.Image:
    """The same bytes, taken for other numbers."""
    return pyvips.Image.new_from_memory(image.write_to_memory(), width, image.height, bands, kind)


def _regroup(image: pyvips.Image, bands: int) -> pyvips.Image:
    """The same numbers with so many bands a pixel; rows are filled up with zeros."""
    flat = image
    if image.bands > 1:
        flat = _seen_as(image, image.width * image.bands, 1, image.format)
    if bands == 1:
        return flat
    width = -(-flat.width // bands) * bands
    if width > flat.width:
        flat = flat.embed(0, 0, width, flat.height)
    return _seen_as(flat, width // bands, bands, flat.format)
