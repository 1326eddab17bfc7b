"""WebP: lossless stays lossless, alpha and metadata stay."""

import pytest
from PIL import Image

from media_processor.images.containers import webp
from media_processor.images.geometry import Box

from .conftest import ApplyWatermark
from .pictures import (
    QUARTERS,
    animated,
    displayed,
    encoded,
    exif_with_thumbnail,
    is_near,
    is_same_outside,
    opened,
    orientation_exif,
    photo,
    psnr_outside,
    quarters,
    srgb_profile,
)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_lossless_stays_lossless(mode: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(mode=mode), "WEBP", lossless=True, exact=True, exif=orientation_exif(1))
    out, made = apply_watermark(data)
    assert b"VP8L" in out[:64]
    assert is_same_outside(opened(data), opened(out), made.box)
    assert quarters(opened(out), made.box) == list(QUARTERS)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_lossy_stays_lossy_and_near(mode: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(mode=mode), "WEBP", quality=80)
    out, made = apply_watermark(data)
    assert b"VP8L" not in out
    after = opened(out)
    assert after.mode == mode
    assert psnr_outside(opened(data).convert("RGB"), after.convert("RGB"), made.box, 16) >= 40
    assert all(
        is_near(*pair, by=25) for pair in zip(quarters(after, made.box), QUARTERS, strict=True)
    )


def test_alpha_stays(apply_watermark: ApplyWatermark) -> None:
    data = encoded(Image.new("RGBA", (400, 300), (200, 100, 50, 90)), "WEBP", quality=80)
    out, made = apply_watermark(data)
    alpha = opened(out).getchannel("A")
    assert alpha.getpixel((0, 299)) == 90
    assert alpha.getpixel((made.box.left + 5, made.box.top + 5)) == 255


def test_profile_and_exif_stay_without_the_thumbnail(apply_watermark: ApplyWatermark) -> None:
    thumbnail = encoded(photo((40, 30)), "JPEG")
    profile = srgb_profile()
    data = encoded(
        photo(), "WEBP", icc_profile=profile, exif=exif_with_thumbnail(thumbnail, 6), xmp=b"<x/>"
    )
    assert thumbnail in data
    out, made = apply_watermark(data)
    assert opened(out).info["icc_profile"] == profile
    assert opened(out).info["xmp"] == b"<x/>"
    assert opened(out).getexif()[0x0112] == 6
    assert b"MAKERNOTE" in out
    assert thumbnail not in out
    assert (made.width, made.height) == (300, 400)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_counts(orientation: int, apply_watermark: ApplyWatermark) -> None:
    stored = (300, 400) if orientation >= 5 else (400, 300)
    exif = orientation_exif(orientation)
    out, made = apply_watermark(encoded(Image.new("RGB", stored), "WEBP", lossless=True, exif=exif))
    assert made.box == Box(310, 10, 80, 40)
    assert quarters(displayed(out), made.box) == list(QUARTERS)


@pytest.mark.parametrize("size", [(1, 1), (5, 300)])
def test_tiny_pictures(size: tuple[int, int], apply_watermark: ApplyWatermark) -> None:
    out, _ = apply_watermark(encoded(Image.new("RGB", size), "WEBP"))
    assert opened(out).size == size


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("width", [6, 31, 256])
def test_a_frame_is_as_large_as_its_pixels(
    number: int, width: int, apply_watermark: ApplyWatermark
) -> None:
    """Whatever its header says: libwebp doesn't look at that."""
    data = bytearray(animated("WEBP"))
    sizes = [frame.place for frame in webp.frames(bytes(data))]
    at = [chunk.start for chunk in webp.chunks(bytes(data)) if chunk.name == b"ANMF"][number]
    data[at + 6 : at + 9] = (width - 1).to_bytes(3, "little")
    assert [frame.place for frame in webp.frames(bytes(data))] == sizes
    out, _ = apply_watermark(bytes(data))
    assert opened(out).n_frames == 3  # type: ignore[attr-defined]
