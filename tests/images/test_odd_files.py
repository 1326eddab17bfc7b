"""Files that break a rule of their format, or are larger than most, and that everybody opens."""

import math
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pillow_heif
import pytest
import pyvips
from PIL import Image

from media_processor.errors import ImageBomb, OutOfMemory, TooManyPixels
from media_processor.images.containers import container_of
from media_processor.images.probe import probe
from media_processor.images.profile import Profile
from media_processor.images.thumbnail import make_thumbnail

from .animations import Frame, apng
from .conftest import ApplyWatermark
from .pictures import (
    LIMITS,
    animated,
    encoded,
    even_grey,
    exif_with_thumbnail,
    opened,
    photo,
    png_with,
    psnr_outside,
)
from .test_kept import XMP, gif_with

PLAIN = encoded(photo(), "JPEG", exif=exif_with_thumbnail(b"x" * 40, 6), quality=90)


def behind_app1(data: bytes) -> int:
    at = data.index(b"\xff\xe1")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4])


def stuffed(filling: bytes) -> bytes:
    at = behind_app1(PLAIN)
    return PLAIN[:at] + filling + PLAIN[at:]


ODD: dict[str, Callable[[], bytes]] = {
    "zeros": lambda: stuffed(bytes(16)),
    "text": lambda: stuffed(b"sixteen of bytes"),
    "stuffed 0xFF": lambda: stuffed(b"\xff\0" * 8),
    "fill bytes": lambda: stuffed(b"\xff" * 16),
    "an APPn that is too short": lambda: stuffed(b"\xff\xe5\0\0" + bytes(12)),
    "a comment that is too short": lambda: stuffed(b"\xff\xfe\0\1" + bytes(12)),
}


@pytest.mark.parametrize("name", ODD)
def test_what_lies_between_the_segments_of_a_jpeg_is_passed_over(
    name: str, way: str, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(ODD[name]())
    assert made.method == way
    assert any("between the JPEG's segments" in n for n in made.notes) == (name != "fill bytes")
    # What is left of a comment is an empty one.
    assert out.replace(b"\xff\xfe\0\2", b"") == apply_watermark(PLAIN)[0]


def test_a_giant_jpeg_is_taken_if_it_can_be_spliced(
    apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    data = even_grey(1024, 1024)
    few = replace(LIMITS, pixels=500_000)
    out, made = apply_watermark(data, limits=few)
    assert psnr_outside(opened(data), opened(out), made.box, 8) == math.inf
    with pytest.raises(TooManyPixels):
        apply_watermark(data, limits=replace(few, memory=2 * len(data) - 1))
    with pytest.raises(OutOfMemory, match="needs about 9 MiB"):
        apply_watermark(
            data, limits=replace(few, memory=9_000_000), profile=Profile("a", quality=80)
        )
    (tmp_path / "in").write_bytes(data)
    make_thumbnail(tmp_path / "in", tmp_path / "small", 100, replace(few, memory=9_000_000))
    assert opened(tmp_path / "small").size == (100, 100)


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.new("L", (1024, 1024)), "JPEG", progressive=True),
        even_grey(1024, 1024)[:9000],
        encoded(Image.new("L", (1024, 1024)), "PNG"),
    ],
    ids=["progressive", "more pixels than bytes can hold", "PNG"],
)
def test_no_other_picture_may_have_more_pixels(
    data: bytes, apply_watermark: ApplyWatermark
) -> None:
    with pytest.raises(TooManyPixels):
        apply_watermark(data, limits=replace(LIMITS, pixels=500_000))


@pytest.mark.parametrize("cut", [1, 2], ids=["trailer", "trailer and terminator"])
def test_a_gif_without_its_end(cut: int, apply_watermark: ApplyWatermark) -> None:
    whole = animated("GIF", 3, (80, 60))
    out, made = apply_watermark(whole[:-cut])
    assert out == apply_watermark(whole)[0]
    assert ("the file's end was missing" in made.notes) == (cut > 1)


def test_a_gif_ends_where_something_else_begins(apply_watermark: ApplyWatermark) -> None:
    whole = encoded(photo((80, 60)), "GIF")
    data, made = apply_watermark(whole[:-1] + b"\x99what no reader knows;")
    assert "data behind the picture was dropped" in made.notes
    assert data.endswith(b";")
    assert opened(data).size == (80, 60)


@pytest.mark.parametrize("count", [320, pytest.param(2_500, marks=pytest.mark.slow)])
def test_a_gif_may_have_many_small_frames(count: int, apply_watermark: ApplyWatermark) -> None:
    one = animated("GIF", 1, (24, 18))
    start = one.index(b"\x2c")
    delays = (b"\x21\xf9\4\0" + bytes((n % 9, 0, 0, 0)) for n in range(count))
    out, _ = apply_watermark(one[:start] + b"".join(each + one[start:-1] for each in delays) + b";")
    assert getattr(opened(out), "n_frames", 1) == count


@pytest.mark.slow
def test_an_apng_may_have_many_small_frames(apply_watermark: ApplyWatermark) -> None:
    frame = Frame(0, 0, (24, 18), bytes(24 * 18))
    out, _ = apply_watermark(apng((24, 18), [frame] * 2_500, kind=0))
    assert getattr(opened(out), "n_frames", 1) == 2_500


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WebP", "TIFF"])
@pytest.mark.parametrize("size", [199_700, 200_000, 200_001])
def test_a_profile_may_be_as_large_as_the_limit(kind: str, size: int) -> None:
    profile = Random(1).randbytes(size)  # which deflate makes no smaller
    if kind == "GIF":
        data = gif_with(b"ICCRGBG1012", profile)
    else:
        data = encoded(photo((64, 48)), kind.upper(), icc_profile=profile)
    limits = replace(LIMITS, profile=200_000)
    if size > 200_000:
        with pytest.raises(ImageBomb, match="200,000 bytes of"):
            probe(data, limits)
    else:
        info = probe(data, limits)
        assert container_of(info.kind).read_metadata(data, limits).icc == profile


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_xmp_may_be_as_large_as_the_limit(kind: str) -> None:
    for size in (1_000, 1_001):
        packet = XMP.ljust(size)
        data = (
            gif_with(b"XMP DataXMP", packet)
            if kind == "GIF"
            else png_with(
                encoded(photo(), kind), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
            )
        )
        if size > 1_000:
            with pytest.raises(ImageBomb, match="1,000 bytes of XMP"):
                probe(data, replace(LIMITS, metadata=1_000))
        else:
            probe(data, replace(LIMITS, metadata=1_000))


def test_an_avif_sequence_needs_no_still_picture(
    apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    whole = bytearray(animated("AVIF", 3, (160, 120)))
    head = int.from_bytes(whole[:4])
    whole[:head] = whole[:head].replace(b"avif", b"iso8")
    at = whole.index(b"meta", head)
    whole[at : at + 4] = b"free"
    out, made = apply_watermark(bytes(whole))
    assert (made.width, made.height) == (160, 120)
    assert getattr(opened(out), "n_frames", 1) == 3
    (tmp_path / "in").write_bytes(whole)
    make_thumbnail(tmp_path / "in", tmp_path / "small", 80, LIMITS)
    assert opened(tmp_path / "small").size == (80, 60)


@pytest.mark.parametrize("depth", [10, 12])
def test_deep_grey_of_a_heic_becomes_eight_bits_with_a_note(
    depth: int, apply_watermark: ApplyWatermark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", depth == 12)
    ramp = Image.linear_gradient("L")
    deep = ramp.convert("I").point(_deep).convert("I;16")
    file = BytesIO()
    pillow_heif.encode("I;16", deep.size, deep.tobytes(), file, quality=95)
    out, made = apply_watermark(file.getvalue())
    assert f"{depth} bits a sample became 8" in made.notes
    assert psnr_outside(ramp, opened(out), made.box, 8) > 40


def _deep(value: Any) -> Any:
    return value * 257


def test_an_avif_that_loses_depth_says_so(apply_watermark: ApplyWatermark) -> None:
    grey = pyvips.Image.black(64, 48, bands=3).cast("ushort").copy(interpretation="rgb16")
    for depth in (8, 10, 12):
        data = bytes(grey.heifsave_buffer(compression="av1", bitdepth=depth))
        notes = apply_watermark(data)[1].notes
        assert (f"{depth} bits a sample became 8" in notes) == (depth > 8), notes


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_profile_of_a_press_stays(
    kind: str, apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    profile = bytes(range(256)) * 8192
    out, _ = apply_watermark(encoded(photo((64, 48)), kind, icc_profile=profile))
    if kind == "PNG":  # Pillow reads at most 1 MB
        at = out.index(b"iCCP")
        found = zlib.decompressobj().decompress(out[out.index(b"\0\0", at) + 2 :])
    else:
        found = opened(out).info["icc_profile"]
    assert found == profile
    (tmp_path / "in").write_bytes(out)
    make_thumbnail(tmp_path / "in", tmp_path / "small", 30, LIMITS)
    with pytest.raises(ImageBomb, match="4,194,304 bytes of"):
        apply_watermark(encoded(photo((64, 48)), kind, icc_profile=profile * 2 + b"x"))


@pytest.mark.parametrize("size", [(1, 1), (19, 8), (3, 500)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_a_picture_too_small_for_an_overlay_stays_as_it_is(
    kind: str, size: tuple[int, int], apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo(size), kind)
    out, made = apply_watermark(data)
    assert out == data
    assert (made.method, made.boxes) == ("skip", ())
    assert made.notes == ("not watermarked: too small for any overlay",)
    assert apply_watermark(encoded(photo((20, 20)), kind))[1].method != "skip"
