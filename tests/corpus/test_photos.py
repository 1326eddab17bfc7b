"""Photographs and drawings of other people's cameras and programs, from Debian's wallpapers."""

import io
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageChops, ImageStat

from media_processor.images import splice
from media_processor.images.codecs import Options, jpeg
from media_processor.images.containers import png
from media_processor.images.geometry import Box, corners
from media_processor.images.logo import bundled_logo_path, load_logo
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT
from media_processor.limits import Limits
from tests.images.splicing import check_coefficients, cover

from .conftest import Unpack, program

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
pytest.importorskip("media_processor_native", reason="there is no cargo here")

PACKAGES = ("lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "ukui-wallpapers")
MORE = ("mate-backgrounds",)
LIMITS = Limits()


def pictures(folder: Path, suffix: str) -> list[Path]:
    found = sorted(path for path in folder.rglob(f"*{suffix}") if not path.is_symlink())
    assert len(found) > 10
    return found


def watermarked(data: bytes) -> tuple[bytes, Overlay]:
    info = probe(data, LIMITS)
    overlay = Overlay([load_logo(bundled_logo_path())], DEFAULT, info)
    return bytes(splice.watermark(data, info, overlay, Options(LIMITS)).data), overlay


def likeness(one: bytes, other: bytes, box: Box) -> float:
    images = (Image.open(io.BytesIO(data)).convert("RGB") for data in (one, other))
    difference = ImageChops.difference(*(image.crop(corners(box)) for image in images))
    error = sum(ImageStat.Stat(difference).sum2) / (3 * box.width * box.height)
    return 10 * math.log10(255**2 / error)


def test_every_photograph_changes_under_the_overlay_only(debian: Unpack, tmp_path: Path) -> None:
    for path in pictures(debian(*PACKAGES, *MORE), ".jpg"):
        data = path.read_bytes()
        out, overlay = watermarked(data)
        info = probe(data, LIMITS)
        check_coefficients(data, out, cover(overlay, (info.width, info.height)), tmp_path)
        decoded = jpeg.watermark(data, info, overlay, Options(LIMITS)).data
        assert likeness(out, bytes(decoded), overlay.stored[0]) >= 40, path.name
        seen = np.asarray(Image.open(io.BytesIO(out)).convert("RGB"), np.int16)
        by_vips = pyvips.Image.jpegload_buffer(out, fail_on="warning").numpy()
        assert abs(seen - by_vips.reshape(seen.shape)).max() <= 2, path.name


def test_every_png_is_exact_outside_the_overlay(debian: Unpack, tmp_path: Path) -> None:
    checker = debian("pngcheck")
    spliced, target = 0, tmp_path / "out.png"
    for path in pictures(debian(*PACKAGES, *MORE), ".png"):
        data = path.read_bytes()
        try:
            out, overlay = watermarked(data)
        except splice.Declined:
            continue
        spliced += 1
        target.write_bytes(out)
        assert b"OK: " in program(checker, "pngcheck", target), path.name
        zlib.decompress(
            b"".join(out[part.start : part.end] for part in png.chunks(out) if part.name == b"IDAT")
        )
        before, after = (np.asarray(Image.open(io.BytesIO(each))) for each in (data, out))
        height, width = before.shape[:2]
        covered = cover(overlay, (width, height), "L").alpha[:height, :width] > 0
        assert np.array_equal(before[~covered], after[~covered]), path.name
        by_vips = pyvips.Image.pngload_buffer(out, fail_on="warning").numpy()
        assert np.array_equal(after, by_vips.reshape(after.shape)), path.name
    assert spliced > 10
