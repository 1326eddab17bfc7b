"""Small pictures for a browser, and which blocks a watermarking changed."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from media_processor.errors import BrokenPicture, OutOfMemory, UnsupportedPicture
from media_processor.images.difference import BLOCK, difference
from media_processor.images.thumbnail import make_thumbnail
from media_processor.limits import Limits
from tests.images.pictures import animated, encoded, heic, opened, photo, png_16_bit_grey
from tests.images.profiles import rgb_profile

# XYZ of sRGB's primaries (D50, IEC 61966-2-1), the first two exchanged.
_SWAPPED = rgb_profile(
    ((0.3851, 0.7169, 0.0971), (0.4361, 0.2225, 0.0139), (0.1431, 0.0606, 0.7139))
)


def viewed(data: bytes, tmp_path: Path, side: int = 384) -> Image.Image:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    make_thumbnail(source, target, side, Limits())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]
    return opened(target)


def levels(small: Image.Image, whole: Image.Image) -> int:
    """The largest difference of a mean colour, in an 8 by 8 grid."""
    first, second = (
        np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX), int)
        for image in (small, whole)
    )
    return int(abs(first - second).max())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_a_png_can_be_seen(mode: str, tmp_path: Path) -> None:
    picture = photo((600, 400)).convert(mode)

    small = viewed(encoded(picture, "PNG"), tmp_path)

    assert (small.format, small.size) == ("WEBP", (384, 256))
    assert levels(small, picture) < 8


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_become_light(kind: str, tmp_path: Path) -> None:
    picture = photo((600, 400)).convert("CMYK")

    assert levels(viewed(encoded(picture, kind), tmp_path), picture) < 8


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    grey = png_16_bit_grey((256, 64))
    expected = Image.fromarray((np.asarray(grey) >> 8).astype(np.uint8))

    assert levels(viewed(encoded(grey, "PNG"), tmp_path), expected) < 4


def test_an_animation_shows_its_first_frame(tmp_path: Path) -> None:
    for kind in ("GIF", "PNG", "WEBP"):
        data = animated(kind)
        small = viewed(data, tmp_path)
        first = Image.open(BytesIO(data)).convert("RGBA")
        assert getattr(small, "n_frames", 1) == 1
        assert levels(small, first) < 16


def test_a_heic_can_be_seen(tmp_path: Path) -> None:
    assert levels(viewed(heic(), tmp_path), photo((64, 48))) < 8


def test_what_is_clear_stays_clear(tmp_path: Path) -> None:
    picture = photo((600, 400)).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 300, 400))

    small = viewed(encoded(picture, "PNG"), tmp_path).convert("RGBA")

    assert small.getpixel((10, 128)) == (0, 0, 0, 0)
    assert small.getpixel((380, 128))[3] == 255  # type: ignore[index]


def test_colours_are_those_of_the_profile(tmp_path: Path) -> None:
    """Red and green are exchanged by a profile that a browser would follow."""
    picture = Image.new("RGB", (64, 48), (200, 40, 40))

    small = viewed(encoded(picture, "PNG", icc_profile=_SWAPPED), tmp_path)

    red, green, _ = small.convert("RGB").getpixel((32, 24))  # type: ignore[misc]
    assert green > red
    assert not small.info.get("icc_profile")


def test_a_large_jpeg_is_not_decoded_whole(tmp_path: Path) -> None:
    """A quarter of a side is a sixteenth of the work: draft mode, never below the side."""
    small = viewed(encoded(photo((3000, 2000)), "JPEG"), tmp_path)

    assert small.size == (384, 256)
    assert levels(small, photo((3000, 2000))) < 8


def test_what_is_no_picture_leaves_nothing(tmp_path: Path) -> None:
    whole = encoded(photo((600, 400)), "PNG")
    for data, error in ((b"no picture", UnsupportedPicture), (whole[:9000], BrokenPicture)):
        source = tmp_path / "source"
        source.write_bytes(data)
        with pytest.raises(error):
            make_thumbnail(source, tmp_path / "target", 384, Limits())
        assert list(tmp_path.iterdir()) == [source]
    source.write_bytes(whole)
    with pytest.raises(OutOfMemory):
        make_thumbnail(source, tmp_path / "target", 384, Limits(memory=1000))


def test_a_folder_that_can_not_be_written_is_not_the_pictures_fault(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(encoded(photo((600, 400)), "PNG"))

    with pytest.raises(FileNotFoundError):
        make_thumbnail(source, tmp_path / "nowhere" / "target", 384, Limits())


def compared(first: Image.Image, second: Image.Image, tmp_path: Path) -> set[tuple[int, int]]:
    before, after = tmp_path / "before", tmp_path / "after"
    first.save(before, "PNG")
    second.save(after, "PNG")
    found = difference(before, after, Limits())
    assert (found.width, found.height) == first.size
    assert (found.columns, found.rows) == (-(-first.width // BLOCK), -(-first.height // BLOCK))
    blocks = [(row, start + step) for row, start, count in found.runs for step in range(count)]
    assert len(blocks) == found.touched == len(set(blocks))
    assert blocks == sorted(blocks)
    return set(blocks)


@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 600)),
    dots=st.sets(st.tuples(st.integers(0, 69), st.integers(0, 599)), max_size=20),
    by=st.integers(1, 255),
    mode=st.sampled_from(["L", "RGB", "RGBA"]),
)
def test_a_block_is_touched_if_one_pixel_differs(
    tmp_path_factory: pytest.TempPathFactory,
    size: tuple[int, int],
    dots: set[tuple[int, int]],
    by: int,
    mode: str,
) -> None:
    first = Image.new(mode, size)
    second = first.copy()
    inside = {(x, y) for x, y in dots if x < size[0] and y < size[1]}
    for dot in inside:
        ImageDraw.Draw(second).point(dot, by if mode == "L" else (0, by, 0))

    touched = compared(first, second, tmp_path_factory.mktemp("compared"))

    assert touched == {(y // BLOCK, x // BLOCK) for x, y in inside}


def test_modes_that_differ_are_compared_by_what_is_seen(tmp_path: Path) -> None:
    palette = photo((64, 48)).quantize(16)

    assert not compared(palette, palette.convert("RGB"), tmp_path)


def test_sizes_that_differ_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenPicture, match="size"):
        compared(photo((64, 48)), photo((48, 64)), tmp_path)
