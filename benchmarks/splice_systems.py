"""Who watermarks. Each picture gets a process of its own, whose start isn't counted."""

import io
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageChops, ImageStat

from benchmarks.problem import BenchmarkError
from benchmarks.splice_pictures import LIMITS, Case, logo
from media_processor.images.geometry import Box, corners
from media_processor.images.overlay import Overlay, OverlayPixels
from media_processor.images.probe import probe
from media_processor.images.splice import Declined

OURS, PILLOW, SHARP = "ours", "Pillow in place", "sharp"
ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 120.0
# Levels of 255 between a watermarked area and what it should show, on average.
_MOST_DIFFERENCE = 6


@dataclass(frozen=True)
class Measured:
    """CPU time of one time, the file that came out, and bytes of memory where known."""

    milliseconds: float
    output: bytes
    memory: int = 0


class System(Protocol):
    """Something that watermarks."""

    @property
    def name(self) -> str:
        """As the table's head tells it."""

    def measure(self, case: Case, times: int) -> Measured:
        """Watermark the picture so many times. Raises Declined, BenchmarkError."""


class Python:
    """Ours or Pillow in place."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self._target = name, folder / "watermarked"

    def measure(self, case: Case, times: int) -> Measured:
        job = json.dumps({"times": times, "profile": asdict(case.profile)})
        command = [sys.executable, "-m", "benchmarks.splice_child", self.name]
        told = json.loads(run(ROOT, _SECONDS, *command, str(case.file), str(self._target), job))
        if "declined" in told:
            raise Declined(told["declined"])
        return Measured(told["milliseconds"], self._target.read_bytes(), told["memory"])


@cache
def placed(case: Case) -> tuple[Box, OverlayPixels]:
    """In stored pixels."""
    overlay = Overlay([logo()], case.profile, probe(case.data, LIMITS))
    return overlay.stored[0], overlay.pixels("RGB", b"")


def check(case: Case, output: bytes, name: str) -> None:
    """Raises BenchmarkError where the figures would compare different work."""
    box, mark = placed(case)
    with Image.open(io.BytesIO(output)) as watermarked, Image.open(io.BytesIO(case.data)) as plain:
        if (watermarked.format, watermarked.size) != (plain.format, plain.size):
            raise BenchmarkError(f"{name} makes something else of {case.label}")
        expected = plain.crop(corners(box)).convert("RGB")
        expected.paste(mark.colours, (0, 0), mark.alpha)
        found = watermarked.crop(corners(box)).convert("RGB")
    if max(ImageStat.Stat(ImageChops.difference(found, expected)).mean) > _MOST_DIFFERENCE:
        raise BenchmarkError(f"{name} puts no logo onto {case.label}")


def run(folder: Path, seconds: float, *command: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=seconds
        )
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", None) or ""
        raise BenchmarkError(f"{command[0]}: {error} {said[-1500:]}") from error
    return done.stdout
