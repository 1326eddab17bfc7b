"""Geometry: true for every size that a picture can have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from media_processor.images.geometry import Box, place, to_stored
from media_processor.images.profile import DEFAULT, Profile
from tests.images.boxes import is_inside

sides = st.integers(1, 65_500)
sizes = st.tuples(sides, sides)
logos = st.tuples(st.integers(1, 4096), st.integers(1, 4096))
orientations = st.integers(1, 8)


@pytest.mark.parametrize(
    ("picture", "logo", "box"),
    [
        ((4000, 3000), (544, 184), Box(3190, 10, 800, 271)),
        ((1000, 1000), (100, 400), Box(940, 10, 50, 200)),
        ((100, 100), (1000, 1000), Box(70, 10, 20, 20)),
        ((1000, 1000), (10, 10), Box(790, 10, 200, 200)),  # scaled up
        ((1, 1), (544, 184), Box(0, 0, 1, 1)),
        ((5, 300), (544, 184), Box(0, 10, 1, 1)),
        ((300, 5), (544, 184), Box(287, 4, 3, 1)),
    ],
)
def test_the_logo_goes_top_right(picture: tuple[int, int], logo: tuple[int, int], box: Box) -> None:
    assert place(picture, logo, DEFAULT) == box


def test_a_share_that_should_be_whole_is_not_floored_below_it() -> None:
    assert place((100, 100), (1, 1), Profile("wide", scale=0.29)).width == 29


@given(sizes, logos)
def test_the_logo_is_always_inside_and_within_its_share(
    picture: tuple[int, int], logo: tuple[int, int]
) -> None:
    box = place(picture, logo, DEFAULT)
    assert is_inside(box, picture)
    assert box.width <= max(1, picture[0] // 5)
    assert box.height <= max(1, picture[1] // 5)


@given(sizes, logos)
def test_the_logo_fills_its_share_on_one_side_and_keeps_its_aspect(
    picture: tuple[int, int], logo: tuple[int, int]
) -> None:
    box = place(picture, logo, DEFAULT)
    assert box.width == max(1, picture[0] // 5) or box.height == max(1, picture[1] // 5)
    scale = min(max(1, picture[0] // 5) / logo[0], max(1, picture[1] // 5) / logo[1])
    assert abs(box.width - max(1, logo[0] * scale)) <= 0.51
    assert abs(box.height - max(1, logo[1] * scale)) <= 0.51


@given(st.tuples(st.integers(60, 65_500), st.integers(60, 65_500)), logos)
def test_the_margin_is_ten_pixels_wherever_it_fits(
    picture: tuple[int, int], logo: tuple[int, int]
) -> None:
    box = place(picture, logo, DEFAULT)
    assert (picture[0] - box.left - box.width, box.top) == (10, 10)


@given(sizes, logos, orientations)
def test_the_stored_box_is_inside_the_stored_picture(
    displayed: tuple[int, int], logo: tuple[int, int], orientation: int
) -> None:
    stored_size = displayed[::-1] if orientation >= 5 else displayed
    box = to_stored(place(displayed, logo, DEFAULT), displayed, orientation)
    assert is_inside(box, stored_size)


@given(st.tuples(st.integers(1, 90), st.integers(1, 90)), logos, orientations)
def test_the_stored_box_is_displayed_where_it_was_placed(
    displayed: tuple[int, int], logo: tuple[int, int], orientation: int
) -> None:
    box = place(displayed, logo, DEFAULT)
    stored = to_stored(box, displayed, orientation)
    picture = Image.new("L", displayed[::-1] if orientation >= 5 else displayed)
    picture.paste(
        255, (stored.left, stored.top, stored.left + stored.width, stored.top + stored.height)
    )
    picture.getexif()[0x0112] = orientation
    shown = ImageOps.exif_transpose(picture)
    assert shown.size == displayed
    assert shown.getbbox() == (box.left, box.top, box.left + box.width, box.top + box.height)
