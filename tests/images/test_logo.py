"""A wrong logo is told before it is stamped."""

from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from media_processor.errors import LogoUnavailable
from media_processor.images.logo import bundled_logo_path, load_logo, turn

from .pictures import encoded, orientation_exif, photo, quartered_logo


def written(folder: Path, data: bytes) -> Path:
    path = folder / "logo"
    path.write_bytes(data)
    return path


def test_the_bundled_logo_loads() -> None:
    path = bundled_logo_path()
    logo = load_logo(path)
    assert path.stat().st_size <= 20_000
    assert logo.size == (544, 184)
    assert logo.image.mode == "RGBA"
    assert logo.image.getchannel("A").getextrema() == (0, 255)
    assert logo.digest == sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_three_formats_are_taken(kind: str, tmp_path: Path) -> None:
    logo = load_logo(written(tmp_path, encoded(photo((50, 20)), kind)))
    assert (logo.size, logo.image.mode) == ((50, 20), "RGBA")


def test_a_turned_jpeg_is_set_upright(tmp_path: Path) -> None:
    data = encoded(photo((50, 20)), "JPEG", exif=orientation_exif(6))
    assert load_logo(written(tmp_path, data)).size == (20, 50)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"<svg/>", "isn't in a supported picture format"),
        (encoded(photo((50, 20)), "PNG")[:-400], "truncated"),
        (b"\0" * 5_000_001, "5,000,001 bytes"),
        (encoded(Image.new("1", (4097, 1)), "PNG"), "4097 x 1 px"),
        (encoded(Image.new("1", (5000, 5000)), "PNG"), "25,000,000 pixels"),
    ],
    ids=["empty", "svg", "truncated", "too many bytes", "too wide", "too many pixels"],
)
def test_what_is_wrong_with_a_logo_is_reported(data: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(LogoUnavailable) as caught:
        load_logo(written(tmp_path, data))
    assert told in caught.value.detail
    assert str(tmp_path) not in caught.value.detail


def test_a_missing_logo_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LogoUnavailable, match="No such file"):
        load_logo(tmp_path / "nowhere.png")


def test_a_size_is_scaled_once() -> None:
    logo = quartered_logo()
    scaled = logo.resize_to((30, 12))
    assert scaled.size == (30, 12)
    assert scaled.mode == "RGBA"
    assert logo.resize_to((30, 12)) is scaled
    assert logo.resize_to((30, 13)) is not scaled
    assert quartered_logo().resize_to((30, 12)) is not scaled


def test_giant_sizes_are_not_kept() -> None:
    logo = quartered_logo()
    assert logo.resize_to((2000, 1000)) is not logo.resize_to((2000, 1000))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turned_logo_is_displayed_upright(orientation: int) -> None:
    logo = quartered_logo((6, 4))
    stored = turn(logo.resize_to((6, 4)), orientation).copy()
    stored.getexif()[0x0112] = orientation
    assert ImageOps.exif_transpose(stored).tobytes() == logo.resize_to((6, 4)).tobytes()
