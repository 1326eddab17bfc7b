"""A JPEG's coefficients, read by libjpeg, and what they ought to become under an overlay."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jpeglib
import numpy as np
from numpy.typing import NDArray

from media_processor.images.containers import jpeg

Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]

_SAMPLES = np.arange(8)
_COSINES: Floats = np.cos((2 * _SAMPLES[None, :] + 1) * _SAMPLES[:, None] * np.pi / 16) / 2
_COSINES[0] /= np.sqrt(2)

# JFIF's colours, less 128, from red, green and blue.
_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.16873589, -0.3312641, 0.5], [0.5, -0.4186876, -0.08131241]]
)


@dataclass(frozen=True)
class Component:
    """``coefficients`` (rows, columns, 8, 8) are quantised by ``steps`` (8, 8); one sample
    covers ``pixels`` (across, down) of the picture."""

    coefficients: Numbers
    steps: Numbers
    pixels: tuple[int, int]


@dataclass(frozen=True)
class Cover:
    """``alpha`` (height, width), 0 to 1, and ``colours`` (planes, height, width), 0 to 255,
    of an overlay laid over the whole picture."""

    alpha: Floats
    colours: Floats


def components(data: bytes, folder: Path) -> list[Component]:
    # libjpeg can't cope with some files' metadata.
    path = folder / "coefficients.jpg"
    path.write_bytes(jpeg.strip(data))
    read: Any = jpeglib.read_dct(str(path))
    planes = [plane for plane in (read.Y, read.Cb, read.Cr) if plane is not None]
    factors = [(int(h), int(v)) for v, h in read.samp_factor[: len(planes)]]
    most = max(h for h, _ in factors), max(v for _, v in factors)
    return [
        Component(
            plane.astype(np.int32),
            read.qt[read.quant_tbl_no[number]].astype(np.int32),
            (most[0] // factors[number][0], most[1] // factors[number][1]),
        )
        for number, plane in enumerate(planes)
    ]


def touched(component: Component, cover: Cover) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = _blocks(_per_sample(component, cover.alpha)).max(axis=(2, 3)) > 0
    return found


def expected(number: int, component: Component, cover: Cover, covered: NDArray[np.bool_]) -> Floats:
    """The quantised coefficients of the ``covered`` blocks (blocks, 8, 8), not rounded, under the
    overlay: the definition in doubles."""
    colours = cover.colours
    if len(colours) == 3:
        value = np.tensordot(_YCBCR[number], colours, 1) - (128 if number == 0 else 0)
    else:
        value = colours[0] - 128
    share = _blocks(_per_sample(component, cover.alpha))[covered]
    over = _blocks(_per_sample(component, value * cover.alpha))[covered]
    base = _COSINES.T @ (component.coefficients[covered] * component.steps) @ _COSINES
    blended: Floats = _COSINES @ (base * (1 - share) + over) @ _COSINES.T
    return blended / component.steps


def _per_sample(component: Component, pixels: Floats) -> Floats:
    """Means over each sample's pixels, as far as the component's blocks reach."""
    rows, columns = component.coefficients.shape[:2]
    across, down = component.pixels
    whole = np.zeros((rows * 8 * down, columns * 8 * across))
    height, width = min(whole.shape[0], pixels.shape[0]), min(whole.shape[1], pixels.shape[1])
    whole[:height, :width] = pixels[:height, :width]
    means: Floats = whole.reshape(rows * 8, down, columns * 8, across).mean(axis=(1, 3))
    return means


def _blocks(samples: Floats) -> Floats:
    height, width = samples.shape
    return samples.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
