"""TIFFs hardly grow, whatever their compression was."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from media_processor.images.geometry import corners
from media_processor.images.logo import Logo

from .conftest import ApplyWatermark
from .pictures import encoded, is_same_outside, opened, photo
from .tiffs import read_tags, tiff

SIZE = (1200, 800)
ALL = ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd"]
FAX = ["tiff_ccitt", "group3", "group4"]


def page() -> Image.Image:
    """Text in black and white."""
    image = Image.new("L", SIZE, 255)
    draw = ImageDraw.Draw(image)
    numbers = np.random.default_rng(1).integers(100, 99_999, (20, 12))
    for row, line in enumerate(numbers):
        text = " ".join(str(number) for number in line)
        draw.text((20, 200 + 28 * row), text, fill=0, font_size=22)
    return image.point([0] * 128 + [255] * 128).convert("1")


def drawing(colours: int = 60) -> Image.Image:
    image = Image.new("P", SIZE, 0)
    palette = np.random.default_rng(2).integers(0, 256, (colours, 3), dtype="u1")
    image.putpalette(palette.tobytes())
    draw = ImageDraw.Draw(image)
    places = np.random.default_rng(3).integers(0, (1150, 760, 90, 70), (3000, 4)).tolist()
    for number, (left, top, width, height) in enumerate(places):
        draw.rectangle((left, top, left + width, top + height), fill=number % colours)
    return image


def soft_logo() -> Logo:
    """With more colours than a palette has."""
    colours = photo((240, 160))
    colours.putalpha(Image.radial_gradient("L").resize((240, 160)).point(lambda v: 255 - v))
    return Logo(colours, "0" * 64)


PAGE, DRAWING = page(), drawing()


@pytest.mark.parametrize("compression", [*ALL, *FAX])
def test_a_page_of_text_stays_small(compression: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(PAGE, "TIFF", compression=compression)
    out, made = apply_watermark(data, soft_logo())
    after = opened(out)
    assert read_tags(out)[258] == (4,)
    assert after.mode == "L"
    assert is_same_outside(PAGE.convert("L"), after, made.box)
    assert len(set(after.crop(corners(made.box)).tobytes())) >= 8
    assert len(out) < 1.6 * len(data)
    assert any("compressed with Deflate now" in note for note in made.notes) == (
        compression == "raw"
    )


@pytest.mark.parametrize("compression", ALL)
def test_a_palette_stays_where_the_colours_allow_it(
    compression: str, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(DRAWING, "TIFF", compression=compression)
    out, made = apply_watermark(data, soft_logo())
    after = opened(out)
    assert after.mode == "P"
    assert (after.info["compression"] == "raw") == (compression == "raw")
    assert is_same_outside(DRAWING.convert("RGB"), after.convert("RGB"), made.box)
    assert not made.notes
    wanted, _ = apply_watermark(encoded(DRAWING.convert("RGB"), "TIFF"), soft_logo())
    box = corners(made.box)
    shown, ideal = (
        np.array(each.convert("RGB").crop(box), "i4") for each in (after, opened(wanted))
    )
    assert np.abs(shown - ideal).mean() < 6
    # The soft logo takes as many bytes as this drawing.
    assert len(apply_watermark(data)[0]) < 1.6 * len(data)


def test_a_palette_of_16_colours_keeps_them(apply_watermark: ApplyWatermark) -> None:
    indices = np.add.outer(np.arange(90), np.arange(124)) % 16
    packed = (indices[:, ::2] << 4 | indices[:, 1::2]).astype("u1")
    palette = tuple(range(0, 48 * 1365, 1365))
    tags = {256: (124,), 258: (4,), 320: palette}
    data = tiff(packed[:, :, None], photometric=3, deflate=True, tags=tags)
    out, made = apply_watermark(data)
    assert is_same_outside(opened(data).convert("RGB"), opened(out).convert("RGB"), made.box)
    after = read_tags(out)[320]
    assert [after[256 * band : 256 * band + 16] for band in range(3)] == [
        palette[16 * band : 16 * band + 16] for band in range(3)
    ]


def test_a_palette_without_room_becomes_true_colour(apply_watermark: ApplyWatermark) -> None:
    picture = photo((400, 300)).quantize(256)
    data = encoded(picture, "TIFF", compression="raw")
    out, made = apply_watermark(data, soft_logo())
    assert opened(out).mode == "RGB"
    assert is_same_outside(picture.convert("RGB"), opened(out), made.box)
    assert made.notes == (
        "with more bits a pixel, for the logo, it is compressed with Deflate now",
    )
    assert len(out) < 1.6 * len(data)


@pytest.mark.parametrize("bits", [2, 4])
def test_greys_of_few_bits_stay_exact(bits: int, apply_watermark: ApplyWatermark) -> None:
    most = (1 << bits) - 1
    greys = np.add.outer(np.arange(90), np.arange(124)) % (most + 1)
    packed = greys.reshape(90, -1, 8 // bits)
    shifts = np.arange(8 - bits, -1, -bits)
    rows = (packed << shifts).sum(axis=2).astype("u1")
    data = tiff(rows[:, :, None], photometric=1, tags={256: (124,), 258: (bits,)})
    out, made = apply_watermark(data)
    shown = Image.fromarray((greys * 255 // most).astype("u1"))
    assert is_same_outside(shown, opened(out), made.box)
    assert read_tags(out)[258] == (4,)
