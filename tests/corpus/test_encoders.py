"""JPEGs as no usual encoder writes them: any sampling, any legal order of scans, restarts."""

from io import BytesIO
from itertools import pairwise
from pathlib import Path
from random import Random
from subprocess import CalledProcessError

import numpy as np
import pytest
from PIL import Image

from media_processor.images.geometry import Box
from media_processor.images.overlay import OverlayPixels
from tests.images.splicing import check_coefficients, laid

from .conftest import Unpack, program

native = pytest.importorskip("media_processor_native", reason="there is no cargo here")
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

_COUNT = 600
_SAMPLINGS = (
    *("1x1", "2x1", "1x2", "2x2", "4x1", "1x4", "4x2"),
    *("1x1,2x1,2x1", "2x2,2x1,1x1", "2x2,1x2,2x1", "1x2,1x1,1x2"),
)


def script(random: Random, components: int) -> str:
    """A legal order of scans (T.81, G.1.1.1), in cjpeg's words."""
    if random.random() < 0.3:
        split = random.choice(("0;1;2;", "0,1;2;", "0;1,2;"))
        return split if components == 3 else "0;"
    low = random.choice((0, 0, 1, 2))
    together = [",".join(map(str, range(components)))]
    shares = together if random.random() < 0.7 else [str(number) for number in range(components)]
    first = [f"{share}: 0-0, 0, {low};" for share in shares]
    waiting = [
        [f"{share}: 0-0, {bit}, {bit - 1};" for bit in range(low, 0, -1) for share in shares]
    ]
    waiting += [bands(random, number) for number in range(components)]
    while any(waiting):
        first.append(random.choice([each for each in waiting if each]).pop(0))
    return "\n".join(first)


def bands(random: Random, component: int) -> list[str]:
    low = random.choice((0, 0, 1, 2, 3))
    scans = [f"{component}: {a}-{b}, 0, {low};" for a, b in ranges(random, (0, 1, 1, 2, 5))]
    for bit in range(low, 0, -1):
        scans += [f"{component}: {a}-{b}, {bit}, {bit - 1};" for a, b in ranges(random, (0, 0, 1))]
    return scans


def ranges(random: Random, cuts: tuple[int, ...]) -> list[tuple[int, int]]:
    edges = [1, *sorted(random.sample(range(2, 64), random.choice(cuts))), 64]
    return [(start, end - 1) for start, end in pairwise(edges)]


def picture(random: Random, *, is_grey: bool) -> Image.Image:
    size = (random.randrange(1, 200), random.randrange(1, 200))
    slope = Image.linear_gradient("L").resize(size).convert("L" if is_grey else "RGB")
    noise = Image.frombytes(
        slope.mode, size, random.randbytes(size[0] * size[1] * (1 if is_grey else 3))
    )
    return Image.blend(slope, noise, random.choice((0, 0, 0.05, 0.5)))


def coded(tools: Path, random: Random, image: Image.Image, folder: Path) -> bytes:
    plain = BytesIO()
    image.save(plain, "PPM")
    options = ["-quality", str(random.choice((5, 50, 80, 95, 100)))]
    if image.mode == "L":
        options.append("-grayscale")
    else:
        sampling = random.choice(_SAMPLINGS)
        options += ["-sample", sampling if "," in sampling else f"{sampling},1x1,1x1"]
    if random.random() < 0.8:
        (folder / "scans").write_text(script(random, len(image.getbands())))
        options += ["-scans", str(folder / "scans")]
    options += ["-optimize"] if random.random() < 0.5 else []
    options += ["-restart", f"{random.randrange(1, 30)}B"] if random.random() < 0.3 else []
    return program(tools, "cjpeg", *options, data=plain.getvalue())


def mark(random: Random, mode: str) -> OverlayPixels:
    size = (random.randrange(1, 64), random.randrange(1, 64))
    pixels = size[0] * size[1]
    some = bytes(random.choice((0, 0, 255)) for _ in range(pixels))
    shares = random.choice((b"\xff" * pixels, bytes([90]) * pixels, random.randbytes(pixels), some))
    bands = len(mode)
    colours = random.choice((random.randbytes(bands * pixels), bytes([200]) * bands * pixels))
    return OverlayPixels(Image.frombytes(mode, size, colours), Image.frombytes("L", size, shares))


def test_a_strange_jpeg_changes_under_the_overlay_only(debian: Unpack, tmp_path: Path) -> None:
    tools, random = debian("libjpeg-turbo-progs", "libjpeg62-turbo"), Random(5)
    done = declined = 0
    for _ in range(_COUNT):
        image = picture(random, is_grey=random.random() < 0.2)
        try:
            data = coded(tools, random, image, tmp_path)
        except CalledProcessError:
            continue  # more blocks an MCU than a JPEG may have
        over = mark(random, "L" if image.mode == "L" else "RGB")
        corner = (random.randrange(-40, image.width + 20), random.randrange(-40, image.height + 20))
        try:
            out = bytes(native.splice_jpeg(data, over.samples, [corner], b"", 1 << 28))
        except native.Declined:
            declined += 1
            continue
        program(tools, "djpeg", "-strict", data=out)  # no warning either
        boxes = [Box(*corner, *over.alpha.size)]
        check_coefficients(data, out, laid(over, boxes, image.size), tmp_path)
        assert np.asarray(Image.open(BytesIO(out))).shape == np.asarray(image).shape
        done += 1
    assert done > _COUNT / 2
    assert declined < _COUNT / 10  # samplings whose factors don't divide each other's
