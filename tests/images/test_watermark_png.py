"""A PNG keeps every pixel outside the logo to the last bit."""

import struct
import zlib
from random import Random

import pytest
from PIL import Image

from media_processor.images.geometry import Box
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .pictures import (
    QUARTERS,
    displayed,
    encoded,
    is_near,
    is_same_outside,
    opened,
    orientation_exif,
    photo,
    png_16_bit_grey,
    png_chunk,
    png_with,
    quartered_logo,
    quarters,
    srgb_profile,
)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_the_mode_stays(mode: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(mode=mode), "PNG")
    out, made = apply_watermark(data)
    assert opened(out).mode == mode
    assert is_same_outside(opened(data), opened(out), made.box)
    if "RGB" in mode:
        assert quarters(opened(out), made.box) == list(QUARTERS)


def test_sixteen_bits_stay_sixteen(apply_watermark: ApplyWatermark) -> None:
    data = encoded(png_16_bit_grey((400, 300)), "PNG")
    out, made = apply_watermark(data)
    after = opened(out)
    assert after.mode == opened(data).mode == "I;16"
    assert is_same_outside(opened(data), after, made.box)
    red = Image.new("RGB", (1, 1), QUARTERS[0]).convert("L").getpixel((0, 0))
    assert isinstance(red, int)
    assert after.getpixel((made.box.left + 5, made.box.top + 5)) == red * 257


@pytest.mark.parametrize("times", [0, 1])
def test_sixteen_bits_keep_their_size_in_print_and_get_none(
    times: int, apply_watermark: ApplyWatermark
) -> None:
    size = (b"pHYs", struct.pack(">IIB", 3000, 3000, 1))
    data = png_with(encoded(png_16_bit_grey((400, 300)), "PNG"), *[size] * times)
    out, _ = apply_watermark(data)
    assert out.count(b"pHYs" + size[1]) == out.count(b"pHYs") == times


def test_a_half_transparent_logo_is_blended_in_sixteen_bits(
    apply_watermark: ApplyWatermark,
) -> None:
    data = encoded(Image.new("I;16", (400, 300), 60_000), "PNG")
    out, made = apply_watermark(data, quartered_logo(alpha=51))
    red = Image.new("RGB", (1, 1), QUARTERS[0]).convert("L").getpixel((0, 0))
    found = opened(out).getpixel((made.box.left + 5, made.box.top + 5))
    assert isinstance(red, int)
    assert isinstance(found, (int, float))
    assert abs(found - (60_000 * 0.8 + red * 257 * 0.2)) <= 1


def test_black_and_white_becomes_grey(apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(mode="L").convert("1"), "PNG")
    out, made = apply_watermark(data)
    assert opened(out).mode == "L"
    assert is_same_outside(opened(data).convert("L"), opened(out), made.box)


@pytest.mark.parametrize("colours", [2, 4, 16, 32, 248, 256])
def test_a_palette_stays_if_the_logo_fits(colours: int, apply_watermark: ApplyWatermark) -> None:
    """Of the logo's two edges the colours are mixed, so that it has about ten."""
    data = encoded(noisy(colours), "PNG")
    assert data[25] == 3
    out, made = apply_watermark(data)
    assert opened(out).mode == ("P" if colours < 249 else "RGB")
    before, after = (opened(each).convert("RGB") for each in (data, out))
    assert is_same_outside(before, after, made.box)
    assert all(
        is_near(*pair, by=8) for pair in zip(quarters(after, made.box), QUARTERS, strict=True)
    )


def noisy(colours: int, size: tuple[int, int] = (400, 300)) -> Image.Image:
    """A picture that uses all of so many colours."""
    random = Random(colours)
    image = Image.frombytes("P", size, bytes(random.choices(range(colours), k=size[0] * size[1])))
    image.putpalette(random.randbytes(3 * colours))
    return image


def test_colours_that_nothing_uses_make_room(apply_watermark: ApplyWatermark) -> None:
    image = noisy(200)
    image.putpalette(bytes(image.getpalette() or []) + Random(1).randbytes(3 * 56))
    data = encoded(image, "PNG")
    assert data[data.index(b"PLTE") - 4 :].startswith((768).to_bytes(4))
    out, made = apply_watermark(data)
    assert opened(out).mode == "P"
    assert is_same_outside(image.convert("RGB"), opened(out).convert("RGB"), made.box)
    assert quarters(opened(out), made.box) == list(QUARTERS)


@pytest.mark.parametrize("transparency", [3, bytes([0, 80, 255, 40])])
def test_a_palette_with_alpha_keeps_it(
    transparency: int | bytes, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo().quantize(32), "PNG", transparency=transparency)
    out, made = apply_watermark(data)
    assert opened(out).mode == "P"
    assert is_same_outside(opened(data).convert("RGBA"), opened(out).convert("RGBA"), made.box)
    assert quarters(opened(out).convert("RGBA"), made.box) == list(QUARTERS)


def flat(mode: str, colour: int | tuple[int, ...]) -> Image.Image:
    return Image.new(mode, (400, 300), colour)


@pytest.mark.parametrize(
    ("image", "key", "corner"),
    [
        (flat("RGB", (1, 2, 3)), (1, 2, 3), (1, 2, 3, 0)),
        (flat("RGB", (1, 2, 3)), (9, 9, 9), (1, 2, 3, 255)),
        (flat("L", 7), 7, (7, 0)),
        (flat("L", 7), 8, (7, 255)),
        (flat("1", 1), 1, (255, 0)),
        (flat("1", 1), 0, (255, 255)),
        (flat("1", 0), 0, (0, 0)),
    ],
)
def test_a_transparent_colour_stays_transparent(
    image: Image.Image,
    key: int | tuple[int, ...],
    corner: tuple[int, ...],
    apply_watermark: ApplyWatermark,
) -> None:
    out, made = apply_watermark(encoded(image, "PNG", transparency=key))
    after = opened(out)
    assert after.getpixel((0, 299)) == corner
    assert after.getchannel("A").getpixel((made.box.left + 5, made.box.top + 5)) == 255


def test_a_transparent_grey_of_two_bits_stays_transparent(apply_watermark: ApplyWatermark) -> None:
    """Pillow widens the pixels to 8 bits, but not the colour that tRNS names."""
    rows = b"".join(b"\0" + bytes([0b01_10_11_00]) * 10 for _ in range(40))
    data = b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 2, 0, 0, 0, 0)),
            png_chunk(b"tRNS", struct.pack(">H", 2)),
            png_chunk(b"IDAT", zlib.compress(rows)),
            png_chunk(b"IEND", b""),
        ]
    )
    out, _ = apply_watermark(data)
    bottom = [opened(out).getpixel((x, 39)) for x in range(4)]
    assert bottom == [(85, 255), (170, 0), (255, 255), (0, 255)]


def test_a_transparent_colour_of_sixteen_bits_is_found_in_eight(
    apply_watermark: ApplyWatermark,
) -> None:
    pixel = struct.pack(">3H", 0x1234, 0x5678, 0x9ABC)
    data = b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 16, 2, 0, 0, 0)),
            png_chunk(b"tRNS", pixel),
            png_chunk(b"IDAT", zlib.compress((b"\0" + pixel * 40) * 40)),
            png_chunk(b"IEND", b""),
        ]
    )
    out, _ = apply_watermark(data)
    assert opened(out).getpixel((0, 39)) == (0x12, 0x56, 0x9A, 0)


def test_the_logo_covers_transparent_areas(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(
        encoded(flat("RGBA", (10, 20, 30, 0)), "PNG"), quartered_logo(alpha=128)
    )
    inside = opened(out).getpixel((made.box.left + 5, made.box.top + 5))
    assert isinstance(inside, tuple)
    assert is_near(inside, (*QUARTERS[0], 128), by=1)
    assert opened(out).getpixel((0, 0)) == (10, 20, 30, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_counts(orientation: int, apply_watermark: ApplyWatermark) -> None:
    stored = (300, 400) if orientation >= 5 else (400, 300)
    out, made = apply_watermark(
        encoded(Image.new("RGB", stored), "PNG", exif=orientation_exif(orientation))
    )
    assert made.box == Box(310, 10, 80, 40)
    assert quarters(displayed(out), made.box) == list(QUARTERS)


def test_an_orientation_behind_the_pixels_counts(apply_watermark: ApplyWatermark) -> None:
    data = encoded(Image.new("RGB", (300, 400)), "PNG")
    exif = png_chunk(b"eXIf", orientation_exif(6).removeprefix(b"Exif\0\0"))
    out, made = apply_watermark(data[:-12] + exif + data[-12:])
    assert (made.width, made.height) == (400, 300)
    assert quarters(displayed(out), made.box) == list(QUARTERS)


def test_profile_texts_and_resolution_stay(apply_watermark: ApplyWatermark) -> None:
    profile = srgb_profile()
    data = encoded(photo(), "PNG", icc_profile=profile, dpi=(300, 300))
    data = png_with(data, (b"tEXt", b"Comment\0a comment"))
    out, made = apply_watermark(data + b"PK\3\4 a ZIP behind the picture")
    assert opened(out).info["icc_profile"] == profile
    assert opened(out).info["dpi"] == opened(data).info["dpi"]
    assert b"Comment\0a comment" in out
    assert b"ZIP" not in out
    assert made.notes == ("data behind the picture was dropped",)


def test_what_the_colours_mean_stays(apply_watermark: ApplyWatermark) -> None:
    chunks = [
        (b"gAMA", struct.pack(">I", 100_000)),
        (b"cHRM", struct.pack(">8I", *range(31_000, 31_008))),
        (b"cICP", b"\x09\x10\x00\x01"),
    ]
    out, _ = apply_watermark(png_with(encoded(photo(), "PNG"), *chunks))
    for name, data in chunks:
        assert png_chunk(name, data) in out


@pytest.mark.parametrize("name", [b"icc_profile", b"exif", b"dpi", b"transparency", b"xmp"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_text_can_not_pose_as_something_else(
    name: bytes, mode: str, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo((40, 30), mode), "PNG")
    out, made = apply_watermark(png_with(data, (b"iTXt", name + b"\0\0\0\0\0rubbish")))
    assert is_same_outside(opened(data), opened(out), made.box)


@pytest.mark.parametrize("size", [(4, 4), (5, 300), (300, 5)])
def test_tiny_pictures(size: tuple[int, int], apply_watermark: ApplyWatermark) -> None:
    data = encoded(Image.new("RGBA", size, (1, 2, 3, 4)), "PNG")
    out, made = apply_watermark(data, profile=Profile("a", min_size=4))
    assert made.method != "skip"
    assert is_same_outside(opened(data), opened(out), made.box)
