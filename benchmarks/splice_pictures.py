"""The pictures of `make bench-splice`, and where the mark goes on each."""

import io
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from benchmarks.pictures import grained, photo
from media_processor.images.logo import Logo, SvgLogo, bundled_logo_path, load_logo
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT, Profile
from media_processor.limits import Limits

LIMITS = Limits()
GIANT, PNG = "JPEG 100 MP", "PNG 12 MP"
_SEED = 20260115
_GIANT_SIZE = (12_000, 8_320)  # 99.8 million pixels; 100 are allowed
_GRAIN = 0.03  # makes a PNG of 17 MB
# In percent of all rows. The mark itself has 2.4 %, so it ends at 5, 10, 20 and 40.
_MARGINS = (2.5, 7.5, 17.5, 37.5)


@dataclass(frozen=True, eq=False)
class Case:
    """One picture with its targets: so many times faster than Pillow and than sharp.

    ``sharp`` is how sharp encodes alike, None where it isn't asked; ``repetitions`` are the
    slow systems' in a round.
    """

    label: str
    file: Path
    data: bytes
    sharp: dict[str, Any] | None
    repetitions: int
    pillow_target: float | None = None
    sharp_target: float | None = None
    profile: Profile = DEFAULT

    @property
    def format(self) -> str:
        return "PNG" if self.file.suffix == ".png" else "JPEG"

    @property
    def megabytes(self) -> str:
        return f"{len(self.data) / 1e6:.1f} MB"

    def overlay(self) -> Overlay:
        return Overlay([logo()], self.profile, probe(self.data, LIMITS))


@cache
def logo() -> Logo | SvgLogo:
    return load_logo(bundled_logo_path())


def make_cases(folder: Path) -> list[Case]:
    large = photo(4000, 3000, 4_800_000, quality=92, seed=_SEED)
    small = photo(2000, 1350, 400_000, quality=85, seed=_SEED)
    turned = _again(large, exif=_orientation(6))
    far = replace(DEFAULT, anchor="top-left")  # on the stored picture: at its bottom

    def jpeg(
        label: str, data: bytes, quality: int = 92, repetitions: int = 3, **options: Any
    ) -> Case:
        alike = {"quality": quality, "chromaSubsampling": "4:2:0", **options}
        return _case(folder / f"{label}.jpg", data, alike, repetitions)

    scans = jpeg(
        "JPEG 12 MP, progressive", _again(large, progressive=True), repetitions=1, progressive=True
    )
    return [
        _aims(jpeg("JPEG 12 MP, 4:2:0", large), 12, 25),
        _aims(jpeg("JPEG 12 MP, orientation 6", turned), 3),
        replace(_aims(jpeg("JPEG 12 MP, orientation 6, far end", turned), 3), profile=far),
        _aims(jpeg("JPEG 2.7 MP", small, quality=85, repetitions=15), 10),
        _case(folder / f"{GIANT}.jpg", _tiled(large), None, 1),
        _aims(scans, 1.5),
        _aims(_case(folder / f"{PNG}.png", _png(), {}, 1), 8, 5),
    ]


def at_depths(giant: Case) -> list[Case]:
    """The same small mark further and further down, so that nothing but the rows above its
    end differs."""
    marks = [Profile("deep", scale=0.05, margin=f"{margin}%") for margin in _MARGINS]
    return [replace(giant, profile=mark) for mark in marks]


def _case(file: Path, data: bytes, options: dict[str, Any] | None, repetitions: int) -> Case:
    file.write_bytes(data)
    return Case(file.stem, file, data, options, repetitions)


def _aims(case: Case, pillow: float, sharp: float | None = None) -> Case:
    return replace(case, pillow_target=pillow, sharp_target=sharp)


def _again(jpeg: bytes, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(file, "JPEG", quality="keep", **options)
    return file.getvalue()


def _orientation(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = number
    return exif


def _tiled(jpeg: bytes) -> bytes:
    tile = Image.open(io.BytesIO(jpeg))
    giant = Image.new("RGB", _GIANT_SIZE)
    for top in range(0, giant.height, tile.height):
        for left in range(0, giant.width, tile.width):
            giant.paste(tile, (left, top))
    file = io.BytesIO()
    giant.save(file, "JPEG", quality=92, subsampling=2)
    return file.getvalue()


def _png() -> bytes:
    file = io.BytesIO()
    grained(4000, 3000, _GRAIN, seed=_SEED).save(file, "PNG")
    return file.getvalue()
