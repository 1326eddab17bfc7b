"""Every kind of TIFF keeps its depth, and every sample outside the overlay."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from media_processor.images.exif import PREVIEWS
from media_processor.images.logo import Logo
from media_processor.images.profile import Profile, Variants
from media_processor.images.thumbnail import make_thumbnail

from .conftest import ApplyWatermark
from .pictures import LIMITS, QUARTERS, is_near, opened, quarters
from .profiles import delta_e, lab
from .tiffs import Array, Tags, directory, ramps, read, tiff, to_24_bits

SIZE = (123, 90)


@dataclass(frozen=True)
class Kind:
    """``white`` is the highest number of a colour."""

    depth: int
    photometric: int = 1
    bands: int = 1
    kind: int = 1
    dtype: str = "u4"
    white: float | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> Array:
        most = self.white if self.white is not None else (1 << self.depth) - 1
        if (self.depth, self.kind) == (24, 3):
            return to_24_bits(ramps(SIZE, self.bands, most))  # type: ignore[arg-type]
        return ramps(SIZE, self.bands, most, self.dtype)  # type: ignore[arg-type]

    def make(self, **more: Any) -> bytes:
        options = self.options | more
        return tiff(self.values, self.depth, self.photometric, kind=self.kind, **options)


def extra(*kinds: int) -> dict[str, Any]:
    return {"tags": {338: kinds}}


MOTOROLA = {"order": ">"}
PLANAR = {"planar": True}
KINDS = {
    "10 bits grey": Kind(10),
    "12 bits grey": Kind(12),
    "14 bits grey": Kind(14),
    "24 bits grey": Kind(24),
    "32 bits grey": Kind(32),
    "10 bits RGB": Kind(10, 2, 3),
    "12 bits RGB": Kind(12, 2, 3, options=MOTOROLA),
    "14 bits RGB with alpha": Kind(14, 2, 4, options=extra(2)),
    "24 bits RGB": Kind(24, 2, 3, options=MOTOROLA),
    "32 bits RGB": Kind(32, 2, 3, options=MOTOROLA),
    "16 bits, white is zero": Kind(16, 0, dtype="u2"),
    "signed 8 bits": Kind(8, kind=2, dtype="i1", white=127),
    "signed 16 bits": Kind(16, kind=2, dtype="i2", white=32767),
    "signed 32 bits": Kind(32, kind=2, dtype="i4", white=2147483647, options=MOTOROLA),
    "float grey": Kind(32, kind=3, dtype="f4", white=1.0),
    "float RGB": Kind(32, 2, 3, kind=3, dtype="f4", white=1.0, options=MOTOROLA),
    "float heights": Kind(32, kind=3, dtype="f4", white=8848.0),
    "half floats": Kind(16, kind=3, dtype="f2", white=1.0),
    "half floats RGB": Kind(16, 2, 3, kind=3, dtype="f2", white=1.0, options=MOTOROLA),
    "half floats in planes": Kind(16, 2, 3, kind=3, dtype="f2", white=1.0, options=PLANAR),
    "half floats in tiles": Kind(16, 2, 3, kind=3, dtype="f2", white=1.0, options={"tile": 32}),
    "half floats with alpha": Kind(16, 2, 4, kind=3, dtype="f2", white=1.0, options=extra(1)),
    "floats of 24 bits": Kind(24, kind=3, white=1.0),
    "floats of 24 bits RGB": Kind(24, 2, 3, kind=3, white=1.0, options=MOTOROLA),
    "double RGB": Kind(64, 2, 3, kind=3, dtype="f8", white=1.0),
    "planar RGB": Kind(8, 2, 3, dtype="u1", options=PLANAR),
    "planar RGB of 16 bits": Kind(16, 2, 3, dtype="u2", options=PLANAR | MOTOROLA),
    "planar float": Kind(32, 2, 3, kind=3, dtype="f4", white=1.0, options=PLANAR),
    "planar tiles": Kind(8, 2, 3, dtype="u1", options={"planar": True, "tile": 32}),
    "planar tiles of 16 bits": Kind(16, 2, 4, dtype="u2", options={"planar": True, "tile": 32}),
    "tiles of 16 bits": Kind(16, 2, 3, dtype="u2", options={"tile": 32}),
    "tiles of 12 bits": Kind(12, 2, 3, options={"tile": 32}),
    "planar grey": Kind(8, dtype="u1", options={"tags": {284: (2,)}}),
    "planar CMYK": Kind(8, 5, 4, dtype="u1", options=PLANAR),
    "BigTIFF": Kind(8, 2, 3, dtype="u1", options={"big": True}),
    "BigTIFF of 16 bits": Kind(16, 2, 3, dtype="u2", options={"big": True} | MOTOROLA),
    "BigTIFF of 12 bits": Kind(12, options={"big": True}),
    "CIELab": Kind(8, 8, 3, dtype="u1"),
    "CIELab of 16 bits": Kind(16, 8, 3, dtype="u2"),
    "ICCLab": Kind(8, 9, 3, dtype="u1"),
    "ICCLab of 16 bits": Kind(16, 9, 3, dtype="u2"),
    "associated alpha": Kind(8, 2, 4, dtype="u1", options=extra(1)),
    "associated alpha of 16 bits": Kind(16, 2, 4, dtype="u2", options=extra(1)),
    "grey with associated alpha": Kind(8, 1, 2, dtype="u1", options=extra(1)),
    "a spare channel": Kind(8, 2, 4, dtype="u1", options=extra(0)),
    "alpha and spot colours": Kind(16, 2, 6, dtype="u2", options=extra(2, 0, 0)),
    "CMYK with a spot colour": Kind(8, 5, 5, dtype="u1", options=extra(0)),
}


@pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflated"])
@pytest.mark.parametrize("name", KINDS)
def test_every_sample_outside_the_overlay_stays(
    name: str, deflate: bool, apply_watermark: ApplyWatermark
) -> None:
    data = KINDS[name].make(deflate=deflate)
    out, made = apply_watermark(data)
    tags, after = read(out)
    before = KINDS[name].values
    box = made.box
    area = (slice(box.top, box.top + box.height), slice(box.left, box.left + box.width))
    assert tags[262] == (KINDS[name].photometric,)
    assert tags[258] == (KINDS[name].depth,) * KINDS[name].bands
    assert tags.get(339, (1,))[0] == KINDS[name].kind
    assert tags.get(338) == KINDS[name].options.get("tags", {}).get(338)
    assert (tags[259] == (8,)) == deflate
    assert not np.array_equal(after[area], before[area])
    after = after.copy()
    after[area] = before[area]
    assert np.array_equal(after, before)
    assert ("BigTIFF became TIFF 6.0" in made.notes) == ("BigTIFF" in name)
    assert any("planes" in note for note in made.notes) == (
        KINDS[name].options.get("planar") is True
    )


@pytest.mark.parametrize("tile", [0, 32], ids=["strips", "tiles"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    "name",
    ["half floats", "half floats RGB", "floats of 24 bits RGB", "float RGB", "double RGB"],
)
def test_floats_may_be_differences(
    name: str, order: str, tile: int, apply_watermark: ApplyWatermark
) -> None:
    kind = KINDS[name]
    out, made = apply_watermark(kind.make(deflate=True, differs=True, order=order, tile=tile))
    _, after = read(out)
    _, wanted = read(apply_watermark(kind.make(order=order, tile=tile))[0])
    assert np.array_equal(after, wanted)
    assert not made.notes


def test_half_floats_that_are_no_numbers_stay(apply_watermark: ApplyWatermark) -> None:
    values = np.arange(123 * 90, dtype="u2").reshape(90, 123, 1) * 6 + 0x0100
    half = Logo(Image.new("RGBA", (60, 30), (200, 100, 50, 128)), "0" * 64)
    half.image.paste((0, 0, 0, 0), (10, 0, 60, 30))
    out, made = apply_watermark(tiff(values.view("f2"), 16, 1, kind=3), half)
    after = read(out)[1].view("u2").copy()
    box = made.box
    area = (slice(box.top, box.top + box.height), slice(box.left, box.left + box.width // 3))
    assert not np.array_equal(after[area], values[area])
    after[area] = values[area]
    assert np.array_equal(after, values)


@pytest.mark.parametrize("name", KINDS)
def test_the_overlay_looks_as_it_does_elsewhere(
    name: str, apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    """Seen through the thumbnail, which every kind has too."""
    out, made = apply_watermark(KINDS[name].make())
    (tmp_path / "picture").write_bytes(out)
    make_thumbnail(tmp_path / "picture", tmp_path / "small", 200, LIMITS)
    shown = opened(tmp_path / "small")
    assert shown.size == SIZE
    found = quarters(shown, made.box)
    wanted = QUARTERS
    if KINDS[name].photometric < 2:
        greys = [round(0.299 * r + 0.587 * g + 0.114 * b) for r, g, b in QUARTERS]
        wanted = tuple((grey, grey, grey) for grey in greys)  # type: ignore[assignment]
    assert all(is_near(*pair, by=24) for pair in zip(found, wanted, strict=True)), found


@pytest.mark.parametrize("photometric", [8, 9])
def test_the_colours_of_lab_are_right(photometric: int, apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(tiff(np.full((90, 123, 3), 128, "u1"), 8, photometric))
    _, after = read(out)
    box = made.box
    for index, colour in enumerate(QUARTERS):
        y = box.top + box.height * (2 * (index // 2) + 1) // 4
        x = box.left + box.width * (2 * (index % 2) + 1) // 4
        lightness, a, b = (int(value) for value in after[y, x])
        if photometric == 8:  # signed
            a, b = (a + 128) % 256, (b + 128) % 256
        found = np.array((lightness / 2.55, a - 128, b - 128))
        wanted = lab(Image.new("RGB", (1, 1), colour), None)[0, 0]
        assert delta_e(found, wanted) <= 2, (colour, found, wanted)


def test_associated_alpha_stays_associated(apply_watermark: ApplyWatermark) -> None:
    values = np.zeros((90, 123, 4), "u2")
    values[:, :, 3] = 20_000
    values[:, :, :3] = 5_000
    half = Logo(Image.new("RGBA", (60, 30), (200, 100, 50, 128)), "0" * 64)
    out, made = apply_watermark(tiff(values, 16, 2, tags={338: (1,)}), half)
    tags, after = read(out)
    assert tags[338] == (1,)
    pixel = after[made.box.top + 5, made.box.left + 5].astype(float) / 65535
    cover, ground = 128 / 255, 20_000 / 65535
    assert abs(pixel[3] - (cover + ground * (1 - cover))) < 1e-4
    for band, colour in enumerate((200, 100, 50)):
        wanted = colour / 255 * cover + 5_000 / 65535 * (1 - cover)
        assert abs(pixel[band] - wanted) < 3e-3  # the logo has 8 bits


@pytest.mark.parametrize("name", ["12 bits RGB", "CIELab", "float RGB", "BigTIFF"])
def test_variants_are_chosen_by_what_is_seen(name: str, apply_watermark: ApplyWatermark) -> None:
    kind = KINDS[name]
    light = Logo(Image.new("RGBA", (40, 20), "white"), "0" * 64)
    dark = Logo(Image.new("RGBA", (40, 20), "black"), "1" * 64)
    profile = Profile("a", variants=Variants("light.png", "dark.png"))
    black = tiff(kind.values * 0, kind.depth, kind.photometric, kind=kind.kind, **kind.options)
    _, made = apply_watermark(black, light, dark, profile=profile)
    assert made.contrast
    assert made.contrast > 20


def test_a_larger_picture_than_the_first_is_no_preview(apply_watermark: ApplyWatermark) -> None:
    """A DNG or NEF: the first page is the preview of raw data in a sub-directory."""
    at = len(tiff(ramps(SIZE, 3, 255, "u1"), tags={330: (1 << 16,)}))
    whole = tiff(ramps(SIZE, 3, 255, "u1"), tags={330: (at,)}, kinds={330: 4})
    data = whole + directory("<", {256: (4000,), 257: (3000,)}, {}, len(whole), big=False)
    notes = apply_watermark(data)[1].notes
    assert any(note.startswith("a larger picture in the file") for note in notes)
    assert PREVIEWS not in notes


@pytest.mark.parametrize("palette", [{}, {320: (500,) * 195}])
def test_numbers_without_their_palette_are_grey(
    palette: Tags, apply_watermark: ApplyWatermark
) -> None:
    values = ramps(SIZE, 1, 255, "u1")
    data, made = apply_watermark(tiff(values, tags={262: (3,), **palette}))
    assert "its palette is missing or damaged: its numbers were taken for grey" in made.notes
    tags, after = read(data)
    assert tags[262] == (1,)
    assert np.array_equal(after[60:, :, 0], values[60:, :, 0])


def test_many_deep_samples_count_as_more_pixels(apply_watermark: ApplyWatermark) -> None:
    from dataclasses import replace

    from media_processor.errors import TooManyPixels

    data = tiff(ramps(SIZE, 6, 1, "f4"), 32, 2, kind=3, tags={338: (0, 0, 0)})
    pixels = SIZE[0] * SIZE[1]
    apply_watermark(data, limits=replace(LIMITS, pixels=3 * pixels))
    with pytest.raises(TooManyPixels):
        apply_watermark(data, limits=replace(LIMITS, pixels=3 * pixels - 1))


def test_a_tiff_may_name_more_depths_than_it_has_samples(apply_watermark: ApplyWatermark) -> None:
    data, _ = apply_watermark(tiff(ramps(SIZE, 3, 255, "u1"), tags={258: (8, 8, 8, 1)}))
    assert opened(data).mode == "RGB"
