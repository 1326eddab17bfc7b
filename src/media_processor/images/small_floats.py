"""Floating-point numbers of 16 and 24 bits, which libvips doesn't know, as whole numbers of it."""

from dataclasses import dataclass

import pyvips
from pyvips.enums import BandFormat

from media_processor.images.geometry import Box
from media_processor.images.info import Size
from media_processor.images.samples import Source

# A FLOAT of libvips's has one bit of sign, 8 of exponent, 23 of mantissa (IEEE 754).
_BIAS = 127


@dataclass(frozen=True)
class FloatFormat:
    """One bit of sign, then the exponent, then the mantissa. As in IEEE 754, the lowest exponent
    has no hidden 1, and the highest means infinity or no number."""

    exponent: int
    mantissa: int

    @property
    def _bias(self) -> int:
        return (1 << self.exponent - 1) - 1

    @property
    def _highest(self) -> int:
        return (1 << self.exponent) - 1

    def decode(self, bits: pyvips.Image) -> pyvips.Image:
        """FLOAT, exactly."""
        exponents = range(self._highest + 1)
        hidden = [float(bool(number) << self.mantissa) for number in exponents]
        steps = [2.0 ** (max(number, 1) - self._bias - self.mantissa) for number in exponents]
        steps[-1] = float("inf")
        head = (bits >> self.mantissa).cast(BandFormat.UCHAR)
        size = (bits & (1 << self.mantissa) - 1).cast(BandFormat.DOUBLE)
        size += head.maplut(_table(hidden * 2))
        return (size * head.maplut(_table([*steps, *(-step for step in steps)]))).cast(
            BandFormat.FLOAT
        )

    def encode(self, numbers: pyvips.Image) -> pyvips.Image:
        """The nearest whole numbers of bits, of UINT; what is too large becomes the largest."""
        largest = (self._highest << self.mantissa) - 1
        steps, starts = [], []
        for exponent in range(2 * _BIAS + 1):
            own = max(1, exponent - _BIAS + self._bias)
            steps.append(2.0 ** (self.mantissa + self._bias - own))
            starts.append(float(own - 1 << self.mantissa))
        stored = pyvips.Image.new_from_memory(
            numbers.write_to_memory(), numbers.width, numbers.height, numbers.bands, BandFormat.UINT
        )
        head = ((stored >> 23) & 0xFF).cast(BandFormat.UCHAR)
        size = numbers.abs().cast(BandFormat.DOUBLE)
        size = (size * head.maplut(_table([*steps, 0.0]))).rint()
        size += head.maplut(_table([*starts, float(largest)]))
        size = (size > largest).ifthenelse(largest, size)
        sign = (stored >> 31).cast(BandFormat.DOUBLE) * (1 << self.exponent + self.mantissa)
        return (size + sign).cast(BandFormat.UINT)


# By bits: binary16 of IEEE 754, and what Adobe's TIFF Technical Note 3 adds.
SMALL_FLOATS = {16: FloatFormat(exponent=5, mantissa=10), 24: FloatFormat(exponent=7, mantissa=16)}


class SmallFloats:
    """A picture whose whole numbers, of ``bits``, are floating-point ones."""

    def __init__(self, bits: Source, code: FloatFormat) -> None:
        self._bits, self._code = bits, code
        self.size: Size = bits.size

    def part(self, box: Box) -> pyvips.Image:
        return self._code.decode(self._bits.part(box))

    def with_part(self, part: pyvips.Image, box: Box) -> pyvips.Image:
        part, bits = part.copy_memory(), self._bits.part(box).copy_memory()
        # What isn't a number, or infinite, stays as it is.
        changed = self._code.decode(bits) != part
        drawn = self._code.encode(part).cast(bits.format)
        return self._bits.with_part(changed.ifthenelse(drawn, bits), box)


def _table(values: list[float]) -> pyvips.Image:
    return pyvips.Image.new_from_array([values]).cast(BandFormat.DOUBLE)
