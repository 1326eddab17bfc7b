"""What independent readers make of a picture: every frame, as rows, columns and bands."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pillow_heif
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.images.compositor import read_apng

Pixels = NDArray[Any]
_AS_THEY_ARE = ("CMYK", "LAB", "I", "F")
_MOST_COMPOSED = 1_000_000  # pixels; the compositor is written for clearness


class Frame(NamedTuple):
    pixels: Pixels
    has_alpha: bool


@dataclass(frozen=True)
class Read:
    """``is_displayed``: turned as the file says."""

    frames: list[Frame]
    durations: tuple[float, ...] = ()
    loop: int | None = None
    is_displayed: bool = False


def with_pillow(path: Path) -> Read:
    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None
    with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
        if image.format == "PNG" and b"acTL" in path.read_bytes():
            raise ValueError("Pillow composes an APNG in a way of its own")
        # What lies behind a JPEG isn't an animation, nor are a HEIC's other pictures.
        is_one = image.format in ("MPO", "JPEG", "HEIF")
        frames, durations = [], []
        for number in range(1 if is_one else getattr(image, "n_frames", 1)):
            if number:
                image.seek(number)
            image.load()
            is_odd = image.mode in _AS_THEY_ARE or image.mode.startswith("I;16")
            pixels = np.array(image if is_odd else image.convert("RGBA"))
            frames.append(Frame(pixels.reshape(*pixels.shape[:2], -1), has_alpha=not is_odd))
            durations.append(float(image.info.get("duration", 0)))
        is_displayed = image.format in ("HEIF", "TIFF")
        return Read(frames, tuple(durations), image.info.get("loop"), is_displayed)


def with_vips(path: Path) -> Read:
    image = _vips(path)
    loader = str(image.get("vips-loader"))
    if loader.startswith(("gif", "webp")):
        image = _vips(path, n=-1)
    pixels = np.asarray(image.numpy())
    pixels = pixels.reshape(image.height, image.width, -1)
    high = image.get("page-height") if image.get_typeof("page-height") else image.height
    parts = np.split(pixels, image.height // high)
    frames = [Frame(part, has_alpha=bool(image.hasalpha())) for part in parts]
    return Read(frames, is_displayed=loader.startswith("heif"))


def _vips(path: Path, **options: int) -> Any:
    return pyvips.Image.new_from_file(str(path), access="sequential", fail_on="error", **options)


def by_the_specification(path: Path) -> Read:
    """An APNG; raises AssertionError unless it keeps to the specification."""
    data = path.read_bytes()
    if data[:4] != b"\x89PNG" or b"acTL" not in data:
        raise ValueError("not an APNG")
    found = read_apng(data)
    if found.width * found.height * len(found.frames) > _MOST_COMPOSED:
        raise ValueError("too large")
    durations = tuple(
        1000 * top / (bottom or 100) for top, bottom in (f.delay for f in found.frames)
    )
    frames = [Frame(pixels, has_alpha=True) for pixels in found.shown()]
    return Read(frames, durations, found.plays)


READERS: dict[str, Callable[[Path], Read]] = {
    "Pillow": with_pillow,
    "libvips": with_vips,
    "the specification": by_the_specification,
}


def opened(path: Path) -> dict[str, Read]:
    """By name of the readers that open the whole of it."""
    found = {}
    for name, reader in READERS.items():
        try:
            found[name] = reader(path)
        except Exception:  # noqa: S112 - whatever it is, this reader doesn't open it
            continue
    return found
