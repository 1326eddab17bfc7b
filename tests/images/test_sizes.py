"""What is coded anew with loss isn't much larger than it came, and not much worse."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from PIL import Image

from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .pictures import encoded, heic, opened, photo, psnr_outside


@cache
def large_photo() -> Image.Image:
    return photo((130, 100)).resize((520, 400), Image.Resampling.BICUBIC)


def moving(kind: str, **options: int) -> bytes:
    first, *others = (large_photo().copy() for _ in range(3))
    for number, frame in enumerate(others):
        frame.paste((230, 40, 40), (40 * number, 200, 40 * number + 60, 260))
    return encoded(first, kind, save_all=True, append_images=others, duration=80, **options)


SOURCES: dict[str, tuple[Callable[[int], bytes], float, float]] = {
    "HEIC": (lambda quality: heic(large_photo(), quality=quality), 1.6, 36),
    "AVIF": (lambda quality: encoded(large_photo(), "AVIF", quality=quality), 1.3, 36),
    "WebP": (lambda quality: encoded(large_photo(), "WEBP", quality=quality), 1.3, 38),
    "animated AVIF": (lambda quality: moving("AVIF", quality=quality), 1.4, 34),
    "animated WebP": (lambda quality: moving("WEBP", quality=quality), 1.4, 34),
}


@pytest.mark.parametrize("quality", [40, 60, pytest.param(75, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", SOURCES)
def test_a_lossy_picture_hardly_grows(
    kind: str, quality: int, apply_watermark: ApplyWatermark
) -> None:
    make, growth, likeness = SOURCES[kind]
    data = make(quality)
    out, made = apply_watermark(data)
    assert len(out) <= growth * len(data)
    before = large_photo() if kind == "HEIC" else opened(data).convert("RGB")
    assert psnr_outside(before, opened(out).convert("RGB"), made.box, 16) >= likeness


def test_a_heic_that_a_profile_wants_as_jpeg_is_no_larger(apply_watermark: ApplyWatermark) -> None:
    data = heic(photo((96, 72)), quality=60)
    assert apply_watermark(data, profile=Profile("a", format="jpeg"))[0] == apply_watermark(data)[0]


@pytest.mark.parametrize(("chroma", "sampling"), [(420, "2x2"), (422, "2x1"), (444, "1x1")])
def test_a_heics_colours_are_sampled_as_they_were(
    chroma: int, sampling: str, apply_watermark: ApplyWatermark
) -> None:
    out, _ = apply_watermark(heic(photo((96, 72)), quality=60, chroma=chroma))
    (_, across, down, _), *_ = opened(out).layer  # type: ignore[attr-defined]
    assert f"{across}x{down}" == sampling


def small_changes() -> list[Image.Image]:
    """A spot that moves over a photo, and one of its frames under the logo."""
    first, *others = (photo((120, 90)).copy() for _ in range(40))
    for number, frame in enumerate(others):
        frame.paste((230, 40, 40), (2 * number, 40, 2 * number + 30, 70))
    others[5].paste((230, 40, 40), (75, 5, 110, 20))
    return [first, *others]


def turning_drawing() -> list[Image.Image]:
    """Nothing stays where it was."""
    first = photo((120, 90)).quantize(12, dither=Image.Dither.NONE).convert("RGB")
    return [first.rotate(5 * number) for number in range(6)]


def animated(frames: list[Image.Image], kind: str, **options: Any) -> bytes:
    first, *others = frames
    return encoded(first, kind, save_all=True, append_images=others, duration=80, **options)


def test_an_animated_lossless_webp_hardly_grows(apply_watermark: ApplyWatermark) -> None:
    best: dict[str, Any] = {"lossless": True, "quality": 100, "method": 4, "minimize_size": True}
    data = animated(small_changes(), "WEBP", **best)
    assert len(apply_watermark(data)[0]) <= 1.1 * len(data)


@pytest.mark.parametrize("make", [small_changes, turning_drawing])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", 16, 100, 240, 256])
def test_an_apng_hardly_grows(
    mode: str | int, make: Callable[[], list[Image.Image]], apply_watermark: ApplyWatermark
) -> None:
    """``mode`` is Pillow's, or how many colours there are."""
    frames = make()
    if isinstance(mode, int):
        palette = frames[5].quantize(mode)
        frames = [frame.quantize(palette=palette) for frame in frames]
    else:
        frames = [frame.convert(mode) for frame in frames]
    data = animated(frames, "PNG", optimize=True)
    assert len(apply_watermark(data)[0]) <= 1.45 * len(data)
