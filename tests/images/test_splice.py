"""Only what the overlay covers changes, told by libjpeg's own coefficients."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from media_processor.images.geometry import Box
from media_processor.images.logo import Logo
from media_processor.images.overlay import OverlayPixels
from media_processor.images.profile import Profile, Tile
from media_processor.images.watermark import watermark
from tests.images.splicing import check_coefficients, cover, laid, soft_logo, spliced
from tests.pairwise import pairwise

from .pictures import LIMITS, encoded, opened, orientation_exif, photo, quartered_logo

native = pytest.importorskip("media_processor_native", reason="there is no cargo here")

SAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2, "4:1:1": "4:1:1"}


@pytest.mark.parametrize(
    ("sampling", "options", "size"),
    pairwise(
        SAMPLINGS,
        [
            {},
            {"optimize": True},
            {"progressive": True},
            {"restart_marker_blocks": 7},
            {"restart_marker_rows": 1, "progressive": True},
        ],
        [(400, 300), (403, 301), (37, 29)],
    ),
)
def test_a_jpeg_changes_under_the_overlay_only(
    sampling: str, options: dict[str, int], size: tuple[int, int], tmp_path: Path
) -> None:
    data = encoded(photo(size), "JPEG", quality=87, subsampling=SAMPLINGS[sampling], **options)
    out, overlay = spliced(data, soft_logo())
    check_coefficients(data, out, cover(overlay, size), tmp_path)
    assert opened(out).info.get("progressive") == opened(data).info.get("progressive")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_changes_where_it_is_displayed(orientation: int, tmp_path: Path) -> None:
    exif = orientation_exif(orientation)
    data = encoded(photo((205, 301)), "JPEG", quality=90, exif=exif)
    out, overlay = spliced(data, soft_logo())
    check_coefficients(data, out, cover(overlay, (205, 301)), tmp_path)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_grey_and_rgb(mode: str, tmp_path: Path) -> None:
    data = encoded(photo((120, 90), mode), "JPEG", quality=60)
    out, overlay = spliced(data, soft_logo())
    check_coefficients(data, out, cover(overlay, (120, 90), mode), tmp_path)


@pytest.mark.parametrize("quality", [1, 20, 50, 75, 95, 100])
def test_every_quality(quality: int, tmp_path: Path) -> None:
    data = encoded(photo((160, 120)), "JPEG", quality=quality)
    out, overlay = spliced(data, soft_logo())
    check_coefficients(data, out, cover(overlay, (160, 120)), tmp_path)


def test_a_tile(tmp_path: Path) -> None:
    data = encoded(photo((300, 200)), "JPEG", quality=80)
    profile = Profile("tiled", tile=Tile(angle=30), opacity=0.5)
    out, overlay = spliced(data, soft_logo(), profile)
    assert len(overlay.stored) > 4
    check_coefficients(data, out, cover(overlay, (300, 200)), tmp_path)


def test_old_ringing_does_not_show_through_an_opaque_overlay() -> None:
    """The samples of a hard edge reach beyond 0 and 255; what is cut off there would stay."""
    stripes = Image.effect_noise((64, 64), 5000).point(lambda value: 255 if value > 127 else 0)
    data = encoded(stripes, "JPEG", quality=40)
    grey = OverlayPixels(Image.new("L", (64, 64), 128), Image.new("L", (64, 64), 255))
    out = opened(bytes(native.splice_jpeg(data, grey.samples, [(0, 0)], b"", 1 << 24)))
    assert out.getextrema() == (128, 128)


def test_nothing_superfluous_is_written() -> None:
    """Padding that is shifted with the data mustn't fill a byte of its own. An overlay at the end,
    of which nothing shows, has all blocks read, and what is behind the last one left out."""
    random = Random(9)
    for number in range(2000):
        size = (random.randrange(8, 60), random.randrange(8, 60))
        if number % 40 == 0:  # too large to be read from the overlay to the end
            size = (160, 160)
        noise = Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
        data = encoded(noise, "JPEG", quality=random.choice((60, 90, 100)))
        seen, unseen = ((9, 9, [bytes(81)], share * 81) for share in (b"\xff", b"\0"))
        out = bytes(native.splice_jpeg(data, seen, [(-3, -3)], b"", 1 << 24))
        last = [(size[0] - 1, size[1] - 1)]
        assert bytes(native.splice_jpeg(out, unseen, last, b"", 1 << 24)) == out


@pytest.mark.parametrize(("scale", "method"), [(0.7, "splice"), (0.9, "decode")])
def test_a_overlay_that_covers_most_of_a_jpeg_is_drawn_by_decoding(
    scale: float, method: str, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(encoded(photo((120, 120)), "JPEG"))
    logo = Logo(Image.new("RGBA", (50, 50), "red"), "2" * 64)
    made = watermark(
        tmp_path / "in", tmp_path / "out", [logo], Profile("a", scale=scale, margin=0), LIMITS
    )
    assert made.method == method
    assert made.declined == (
        None if method == "splice" else "the overlay covers most of the picture"
    )


JPEGS = [
    encoded(photo(size, mode), "JPEG", quality=quality, subsampling=sampling, **options)
    for size in ((70, 90), (121, 35))
    for mode, sampling in (("L", 0), ("RGB", 0), ("RGB", 1), ("RGB", 2))
    for quality in (40, 97)
    for options in ({}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 3})
]
# Smooth pictures have few symbols: their optimised tables lack most that an overlay needs.
JPEGS += [
    encoded(Image.linear_gradient("L").convert("RGB"), "JPEG", optimize=True, progressive=kind)
    for kind in (False, True)
]


@st.composite
def marks(draw: st.DrawFn) -> OverlayPixels:
    size = draw(st.tuples(st.integers(1, 60), st.integers(1, 60)))
    random = draw(st.randoms(use_true_random=False))
    small = (1 + size[0] // 9, 1 + size[1] // 9)
    shares = bytes(random.choice((0, 0, 255, 90)) for _ in range(small[0] * small[1]))
    colours = random.randbytes(3 * small[0] * small[1])
    way = draw(st.sampled_from((Image.Resampling.NEAREST, Image.Resampling.BICUBIC)))
    return OverlayPixels(
        Image.frombytes("RGB", small, colours).resize(size, way),
        Image.frombytes("L", small, shares).resize(size, way),
    )


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.sampled_from(JPEGS),
    mark=marks(),
    corners=st.lists(st.tuples(st.integers(-70, 260), st.integers(-70, 260)), max_size=6),
)
def test_overlays_anywhere(
    data: bytes, mark: OverlayPixels, corners: list[tuple[int, int]], tmp_path: Path
) -> None:
    boxes: list[Box] = []
    for left, top in corners:
        if not any(
            abs(left - b.left) < b.width + 4 and abs(top - b.top) < b.height + 4 for b in boxes
        ):
            boxes.append(Box(left, top, *mark.alpha.size))
    image = opened(data)
    if image.mode == "L":
        mark = OverlayPixels(mark.colours.convert("L"), mark.alpha)
    places = [(box.left, box.top) for box in boxes]
    out = native.splice_jpeg(data, mark.samples, places, b"", 1 << 24)
    check_coefficients(data, bytes(out), laid(mark, boxes, image.size), tmp_path)


def test_where_nothing_shows_nothing_changes() -> None:
    data = encoded(photo(), "JPEG", quality=80)
    assert spliced(data, quartered_logo(alpha=0))[0] == data
