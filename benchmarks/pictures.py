"""The pictures that both systems get. Made here; the same bytes on every machine with the
same Pillow."""

import io
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

VARIANTS = 3
_SEED = 20260115
_MAX_NOISE = 0.5
_BISECTIONS = 7


@dataclass(frozen=True)
class Pictures:
    """JPEG files, and the logo as a PNG file."""

    small: list[bytes]  # 2.7 MP, about 0.4 MB
    large: list[bytes]  # 12 MP, about 5 MB
    huge: bytes  # just under 50 MB
    logo: bytes


def make_pictures() -> Pictures:
    seeds = range(_SEED, _SEED + VARIANTS)
    return Pictures(
        small=[photo(2000, 1350, 400_000, quality=85, seed=seed) for seed in seeds],
        large=[photo(4000, 3000, 5_000_000, quality=92, seed=seed) for seed in seeds],
        huge=_noise_jpeg(4000, 49_500_000),
        logo=_logo(),
    )


def photo(width: int, height: int, size: int, *, quality: int, seed: int) -> bytes:
    """A landscape-like JPEG 4:2:0 of about ``size`` bytes: the grain decides how many."""
    scene = _scene(width, height, seed)
    grain = _noise(width, height, seed)
    low, high = 0.0, _MAX_NOISE
    content = b""
    for _ in range(_BISECTIONS):
        share = (low + high) / 2
        content = _jpeg(Image.blend(scene, grain, share), quality=quality, subsampling=2)
        low, high = (share, high) if len(content) < size else (low, share)
    return content


def grained(width: int, height: int, grain: float, *, seed: int) -> Image.Image:
    """The same landscape as pixels, where each colour has its own ``grain`` (0 to 1)."""
    noise = random.Random(seed).randbytes(width * height * 3)
    grains = Image.frombytes("RGB", (width, height), noise)
    return Image.blend(_scene(width, height, seed), grains, grain)


def _scene(width: int, height: int, seed: int) -> Image.Image:
    slope = Image.linear_gradient("L").resize((width, height), Image.Resampling.BILINEAR)
    colours = ImageOps.colorize(slope, "#3f7fd0", "#35521f", mid="#e6dcc0")
    for step, share in ((400, 0.25), (60, 0.12)):
        texture = _noise(width // step + 2, height // step + 2, seed + step)
        soft = texture.resize((width, height), Image.Resampling.BICUBIC)
        colours = Image.blend(colours, soft, share)
    return colours


def _noise(width: int, height: int, seed: int) -> Image.Image:
    grey = random.Random(seed).randbytes(width * height)
    return Image.frombytes("L", (width, height), grey).convert("RGB")


def _noise_jpeg(width: int, size: int) -> bytes:
    probe = 256
    rows = size * probe // len(_coloured_noise(width, probe)) // 16 * 16
    return _coloured_noise(width, rows)


def _coloured_noise(width: int, height: int) -> bytes:
    content = random.Random(_SEED).randbytes(width * height * 3)
    return _jpeg(Image.frombytes("RGB", (width, height), content), quality=95, subsampling=0)


def _jpeg(picture: Image.Image, *, quality: int, subsampling: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, subsampling=subsampling)
    return file.getvalue()


def _logo() -> bytes:
    # As the Google logo is: 544 x 184, partly transparent.
    picture = Image.new("RGBA", (544, 184), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for place, colour in enumerate(("#4285f4", "#ea4335", "#fbbc05", "#34a853")):
        left = 12 + place * 132
        draw.ellipse((left, 30, left + 124, 154), fill=colour)
        draw.ellipse((left + 32, 62, left + 92, 122), fill=(255, 255, 255, 128))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
