"""XYB, the colour space in which jpegli and libjxl write some JPEGs, scaled to 0 to 1.

ISO/IEC 18181-1, annex L.2; the scaling is libjxl's (lib/jxl/cms/opsin_params.h). The third channel
is B - Y.
"""

from functools import cache

from PIL.Image import Image
from PIL.ImageFilter import Color3DLUT

_TO_CONES = (
    (0.30, 0.622, 0.078),
    (0.23, 0.692, 0.078),
    (0.24342268924547819, 0.20476744424496821, 0.55180986650955360),
)
_BIAS = 0.0037930732552754493
_OFFSETS = (0.015386134, 0.0, 0.27770459)
_SCALES = (22.995788804, 1.183000077, 1.502141333)

# What lies between is interpolated; 17 steps a side miss by up to 2 of 255, these by half of one.
_STEPS = 33


def convert_to_xyb(image: Image) -> Image:
    """``image`` is RGB in sRGB."""
    return image.filter(_table())


@cache
def _table() -> Color3DLUT:
    return Color3DLUT.generate(_STEPS, _xyb)


def _xyb(red: float, green: float, blue: float) -> tuple[float, float, float]:
    light = [_linear(value) for value in (red, green, blue)]
    long, middle, short = (
        (sum(part * value for part, value in zip(row, light, strict=True)) + _BIAS) ** (1 / 3)
        - _BIAS ** (1 / 3)
        for row in _TO_CONES
    )
    y = (long + middle) / 2
    found = zip(((long - middle) / 2, y, short - y), _OFFSETS, _SCALES, strict=True)
    x, y, b = ((value + offset) * scale for value, offset, scale in found)
    return x, y, b


def _linear(value: float) -> float:
    # IEC 61966-2-1
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
