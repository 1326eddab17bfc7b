"""WebPs inside TIFFs stay WebPs: only the strips or tiles under the overlay change."""

from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from .conftest import ApplyWatermark
from .pictures import QUARTERS, is_near, photo, psnr_outside, quarters
from .test_tiff_jpeg import changed_pieces
from .tiffs import read_tags

SIZE = (400, 300)
TILES = {"tile": True, "tile_width": 64, "tile_height": 64}


def vips(picture: Image.Image, **options: Any) -> bytes:
    image = pyvips.Image.new_from_memory(
        picture.tobytes(), *picture.size, len(picture.getbands()), "uchar"
    )
    image = image.copy(interpretation="srgb")
    return bytes(image.tiffsave_buffer(compression="webp", **options))


def shown(data: bytes) -> Image.Image:
    image = pyvips.Image.tiffload_buffer(data, fail_on="warning")
    mode = "RGB" if image.bands == 3 else "RGBA"
    return Image.frombytes(mode, (image.width, image.height), image.write_to_memory())


def with_alpha(alpha: Image.Image) -> Image.Image:
    return Image.merge("RGBA", (*photo(SIZE).split(), alpha))


CLEAR = Image.linear_gradient("L").resize(SIZE)
PICTURES = {
    "lossy": vips(photo(SIZE), Q=75),
    "lossless": vips(photo(SIZE), lossless=True),
    "tiles": vips(photo(SIZE), Q=75, **TILES),
    "lossless tiles": vips(photo(SIZE), lossless=True, **TILES),
    "alpha": vips(with_alpha(CLEAR), Q=75),
    "opaque alpha": vips(with_alpha(Image.new("L", SIZE, 255)), Q=75, **TILES),
    "lossless alpha": vips(with_alpha(CLEAR), lossless=True),
}


@pytest.mark.parametrize("name", PICTURES)
def test_only_the_pieces_under_the_overlay_change(
    name: str, apply_watermark: ApplyWatermark
) -> None:
    data = PICTURES[name]
    assert read_tags(data)[259] == (50001,)
    out, made = apply_watermark(data)
    changed = changed_pieces(data, out)
    assert 0 < sum(changed) < len(changed)
    assert not made.notes
    assert len(out) < 1.6 * len(data)
    found = quarters(shown(out).convert("RGB"), made.box)
    assert all(is_near(*pair, by=20) for pair in zip(found, QUARTERS, strict=True)), found
    was, now = np.array(shown(data)), np.array(shown(out))
    if "lossless" in name:
        box = made.box
        area = (slice(box.top, box.top + box.height), slice(box.left, box.left + box.width))
        now[area] = was[area]
        assert np.array_equal(now, was)
    else:
        seen, kept = (shown(each).convert("RGB") for each in (data, out))
        assert psnr_outside(seen, kept, made.box, 16) >= 38


def test_what_can_not_stay_a_webp_has_a_note(apply_watermark: ApplyWatermark) -> None:
    data = vips(with_alpha(CLEAR), Q=75, premultiply=True)
    assert read_tags(data)[338] == (1,)
    out, made = apply_watermark(data)
    assert read_tags(out)[259] == (8,)
    assert made.notes == ("the WebP inside was decoded, and is compressed with Deflate now",)
