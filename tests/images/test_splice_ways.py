"""The splice and the decoding give the same picture, as far as its coding allows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from media_processor.images import splice
from media_processor.images.codecs import Encoded, Options, jpeg, png
from media_processor.images.geometry import Box, corners
from media_processor.images.logo import bundled_logo_path, load_logo
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT, Profile

from .pictures import LIMITS, encoded, opened, photo

pytest.importorskip("media_processor_native", reason="there is no cargo here")

OPTIONS = Options(LIMITS)
LOGO = load_logo(bundled_logo_path())
SIZES = st.tuples(st.integers(60, 400), st.integers(60, 400))
# In an overlay of a few blocks chance decides whose rounding is nearer.
LARGER = st.tuples(st.integers(250, 500), st.integers(250, 500))
PROFILES = st.sampled_from(
    [DEFAULT, Profile("a", opacity=0.4), Profile("b", anchor="bottom-left", scale=0.5)]
)


def both(data: bytes, profile: Profile = DEFAULT) -> tuple[Image.Image, Image.Image, Overlay]:
    """Spliced, decoded, and the overlay."""
    info = probe(data, LIMITS)
    overlay = Overlay([LOGO], profile, info)
    ways = (splice.watermark, jpeg.watermark if info.format == "JPEG" else png.watermark)
    made: list[Encoded] = [way(data, info, overlay, OPTIONS) for way in ways]
    assert [each.method for each in made] == ["splice", "decode"]
    first, second = (opened(bytes(each.data)) for each in made)
    return first, second, overlay


def error(one: Image.Image, other: Image.Image, box: Box) -> float:
    difference = ImageChops.difference(one, other).convert("RGB").crop(corners(box))
    return sum(ImageStat.Stat(difference).sum2) / (3 * box.width * box.height)


@settings(max_examples=40, deadline=None)
@given(
    size=LARGER,
    quality=st.integers(30, 98),
    subsampling=st.sampled_from((0, 1, 2)),
    progressive=st.booleans(),
    profile=PROFILES,
)
def test_a_jpeg_shows_the_overlay_as_well_as_decoding_does(
    size: tuple[int, int], quality: int, subsampling: int, progressive: bool, profile: Profile
) -> None:
    """Both are rounded by the coding, each in its own way; neither may be farther from the overlay
    on the source's pixels."""
    data = encoded(
        photo(size), "JPEG", quality=quality, subsampling=subsampling, progressive=progressive
    )
    spliced, decoded, overlay = both(data, profile)
    ideal = opened(data).convert("RGB")
    overlay.draw(ideal)
    box = overlay.stored[0]
    assert error(spliced, ideal, box) <= 1.2 * error(decoded, ideal, box) + 0.5


@settings(max_examples=40, deadline=None)
@given(size=SIZES, mode=st.sampled_from(["L", "LA", "RGB", "RGBA"]), profile=PROFILES)
def test_a_png_is_the_same_within_a_step(
    size: tuple[int, int], mode: str, profile: Profile
) -> None:
    spliced, decoded, _ = both(encoded(photo(size, mode), "PNG"), profile)
    assert spliced.mode == decoded.mode
    one, other = (np.asarray(each).astype(int) for each in (spliced, decoded))
    assert abs(one - other).max() <= 1
