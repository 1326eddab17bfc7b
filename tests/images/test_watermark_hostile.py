"""Bad input: a clear PictureError, and a folder as it was."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from media_processor.errors import (
    BrokenPicture,
    EmptyFile,
    PictureError,
    TooManyPixels,
    UnsupportedPicture,
)
from media_processor.images.profile import DEFAULT
from media_processor.images.watermark import Watermarked, watermark
from media_processor.limits import Limits

from .conftest import ApplyWatermark
from .pictures import (
    LIMITS,
    damaged,
    encoded,
    exif_with_thumbnail,
    photo,
    png_16_bit_grey,
    quartered_logo,
    srgb_profile,
)

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) run\n"

Refuse = Callable[[bytes, type[PictureError]], str]


def run(folder: Path, data: bytes, limits: Limits = LIMITS) -> Watermarked:
    source = folder / "photo.jpg"
    source.write_bytes(data)
    return watermark(source, folder / "watermarked.jpg", [quartered_logo()], DEFAULT, limits)


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """Expect an error; gives its detail. Nothing may be left behind."""

    def check(data: bytes, error: type[PictureError]) -> str:
        with pytest.raises(error) as caught:
            run(tmp_path, data)
        assert os.listdir(tmp_path) == ["photo.jpg"]
        assert str(tmp_path) not in caught.value.detail
        return caught.value.detail

    return check


def test_an_empty_file(refuse: Refuse) -> None:
    refuse(b"", EmptyFile)


def test_text_named_jpg(refuse: Refuse) -> None:
    assert "JPEG, PNG, WebP" in refuse(b"Dear sir or madam", UnsupportedPicture)


def test_an_eps_starts_no_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ghost = tmp_path / "bin" / "gs"
    ghost.parent.mkdir()
    ghost.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-started\n")
    ghost.chmod(0o755)
    monkeypatch.setenv("PATH", str(ghost.parent), prepend=os.pathsep)
    with pytest.raises(UnsupportedPicture):
        run(tmp_path, EPS)
    assert sorted(os.listdir(tmp_path)) == ["bin", "photo.jpg"]


@pytest.mark.parametrize(
    ("share", "progressive"), [(0.4, False), (0.7, False), (0.98, False), (0.2, True), (0.4, True)]
)
def test_a_truncated_jpeg(share: float, progressive: bool, refuse: Refuse) -> None:
    data = encoded(photo(), "JPEG", progressive=progressive)
    detail = refuse(data[: int(len(data) * share)], BrokenPicture)
    assert "truncated" in detail


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_truncated_pictures(kind: str, refuse: Refuse) -> None:
    data = encoded(photo(), kind)
    refuse(data[: len(data) // 2], BrokenPicture)


def test_too_many_pixels(tmp_path: Path) -> None:
    with pytest.raises(TooManyPixels, match="120,000"):
        run(tmp_path, encoded(photo(), "PNG"), Limits(pixels=119_999))
    assert os.listdir(tmp_path) == ["photo.jpg"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "watermarked.jpg").write_bytes(b"old")

    def fail(_: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, encoded(photo(), "JPEG"))
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "watermarked.jpg"]
    assert (tmp_path / "watermarked.jpg").read_bytes() == b"old"


def test_a_missing_source_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        watermark(
            tmp_path / "nowhere",
            tmp_path / "watermarked.jpg",
            [quartered_logo()],
            DEFAULT,
            LIMITS,
        )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_same_picture_gives_the_same_bytes(kind: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(), kind)
    (first, made), (second, _) = apply_watermark(data), apply_watermark(data)
    assert first == second
    assert made.sha256 == sha256(first).hexdigest()
    assert made.size == len(first)


@pytest.mark.parametrize("name", ["a" * 255, "-rf", "spa ce\n", "😀.jpg"])
def test_any_target_name_will_do(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(encoded(photo((9, 9)), "PNG"))
    made = watermark(source, tmp_path / name, [quartered_logo()], DEFAULT, LIMITS)
    assert (tmp_path / name).stat().st_size == made.size


SEEDS = {
    "jpeg": encoded(
        photo((48, 36)),
        "JPEG",
        exif=exif_with_thumbnail(b"x" * 30, 6),
        icc_profile=srgb_profile()[:200],
        xmp=b"<x/>",
        dpi=(72, 72),
    ),
    "progressive": encoded(photo((48, 36)), "JPEG", progressive=True),
    "cmyk": encoded(photo((48, 36), "CMYK"), "JPEG"),
    "png": encoded(photo((24, 18), "RGBA"), "PNG", exif=exif_with_thumbnail(b"x", 6), dpi=(9, 9)),
    "palette": encoded(photo((24, 18)).quantize(16), "PNG", transparency=3),
    "deep": encoded(png_16_bit_grey((24, 18)), "PNG", transparency=500),
    "webp": encoded(
        photo((24, 18), "RGBA"), "WEBP", exif=exif_with_thumbnail(b"x", 6), xmp=b"<x/>"
    ),
    "lossless": encoded(photo((24, 18)), "WEBP", lossless=True),
    "mpo": encoded(photo((24, 18)), "MPO", save_all=True, append_images=[photo((24, 18))]),
}


@pytest.mark.parametrize("name", SEEDS)
def test_only_picture_errors_escape(name: str, tmp_path: Path) -> None:
    random = Random(name)
    fine = 0
    for _ in range(250):
        data = damaged(SEEDS[name], random)
        try:
            run(tmp_path, data, Limits(pixels=1_000_000))
            fine += 1
        except PictureError:
            pass
        assert set(os.listdir(tmp_path)) <= {"photo.jpg", "watermarked.jpg"}
    assert fine < 250


def test_random_bytes_behind_each_magic_raise_picture_errors_only(tmp_path: Path) -> None:
    random = Random(2)
    heads = (
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\xff\xff\0\0WEBPVP8X",
        b"RIFF    WEBPVP8L",
    )
    for head in heads:
        for _ in range(100):
            with pytest.raises(PictureError):
                run(tmp_path, head + random.randbytes(random.randrange(400)))


def test_pillow_is_as_expected() -> None:
    """The rules lean on this: a damaged picture must never be half decoded."""
    from PIL import ImageFile

    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS is None
