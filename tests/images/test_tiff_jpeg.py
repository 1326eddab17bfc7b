"""JPEGs inside TIFFs stay JPEGs: only the strips or tiles under the overlay change."""

import struct
from typing import Any

import pytest
import pyvips
from PIL import Image

from media_processor.errors import BrokenPicture, UnsupportedPicture
from media_processor.images.geometry import corners
from media_processor.images.logo import Logo

from .conftest import ApplyWatermark
from .old_jpegs import Head
from .old_jpegs import old_jpeg as old_jpeg_in_parts
from .pictures import (
    QUARTERS,
    encoded,
    is_near,
    is_same_outside,
    opened,
    photo,
    psnr_outside,
    quarters,
)
from .profiles import DISPLAY_P3, delta_e, lab, rgb_profile
from .tiffs import Tags, read_tags

SIZE = (400, 300)


def vips(picture: Image.Image, **options: Any) -> bytes:
    bands = len(picture.getbands())
    image = pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, bands, "uchar")
    kind = {1: "b-w", 3: "srgb", 4: "cmyk"}[bands]
    return bytes(image.copy(interpretation=kind).tiffsave_buffer(compression="jpeg", **options))


TILES = {"tile": True, "tile_width": 64, "tile_height": 64}
PICTURES = {
    "strips": encoded(photo(SIZE), "TIFF", compression="jpeg", quality=85),
    "grey strips": encoded(photo(SIZE, "L"), "TIFF", compression="jpeg", quality=85),
    "YCbCr strips": vips(photo(SIZE), Q=80),
    "RGB strips": vips(photo(SIZE), Q=95),
    "tiles": vips(photo(SIZE), Q=80, **TILES),
    "grey tiles": vips(photo(SIZE, "L"), Q=80, **TILES),
    "inks": vips(photo(SIZE, "CMYK"), Q=90),
}


def pieces(data: bytes, tags: Tags) -> list[bytes]:
    where, sizes = (324, 325) if 324 in tags else (273, 279)
    pairs = zip(tags[where], tags[sizes], strict=True)
    return [data[start : start + size] for start, size in pairs]


def changed_pieces(data: bytes, out: bytes) -> list[bool]:
    """For each strip or tile whether it changed; every tag that doesn't say where they are must
    be the same."""
    before, after = read_tags(data), read_tags(out)
    places = {273, 279, 324, 325}
    assert {tag: value for tag, value in after.items() if tag not in places} == {
        tag: value for tag, value in before.items() if tag not in places
    }
    return [old != new for old, new in zip(pieces(data, before), pieces(out, after), strict=True)]


@pytest.mark.parametrize("name", PICTURES)
def test_only_the_pieces_under_the_overlay_change(
    name: str, apply_watermark: ApplyWatermark
) -> None:
    data = PICTURES[name]
    assert read_tags(data)[259] == (7,)
    out, made = apply_watermark(data)
    changed = changed_pieces(data, out)
    assert any(changed)
    assert sum(changed) < len(changed) or len(changed) == 1
    assert not made.notes
    assert len(out) < 1.3 * len(data)
    shown = opened(out)
    if shown.mode == "RGB":
        found = quarters(shown, made.box)
        assert all(is_near(*pair, by=20) for pair in zip(found, QUARTERS, strict=True)), found
    assert psnr_outside(opened(data), shown, made.box, 16) >= 48


def test_a_jpeg_with_alpha_stays_one(apply_watermark: ApplyWatermark) -> None:
    picture = photo(SIZE)
    picture.putalpha(Image.linear_gradient("L").resize(SIZE))
    data = encoded(picture, "TIFF", compression="jpeg", quality=85)
    out, made = apply_watermark(data)
    assert read_tags(out)[259] == (7,)
    assert read_tags(out)[338] == (2,)
    assert not made.notes
    assert len(out) < 1.3 * len(data)
    before, after = opened(data), opened(out)
    assert after.mode == "RGBA"
    found = quarters(after.convert("RGB"), made.box)
    assert all(is_near(*pair, by=20) for pair in zip(found, QUARTERS, strict=True)), found
    assert psnr_outside(before.convert("RGB"), after.convert("RGB"), made.box, 16) >= 48
    alpha = after.getchannel("A").crop(corners(made.box))
    assert min(alpha.tobytes()) >= 235
    alphas = [each.getchannel("A") for each in (before, after)]
    assert psnr_outside(alphas[0], alphas[1], made.box, 16) >= 48


def test_the_overlay_has_the_colours_of_the_profile(apply_watermark: ApplyWatermark) -> None:
    icc = rgb_profile(DISPLAY_P3)
    data = encoded(photo(SIZE), "TIFF", compression="jpeg", quality=95, icc_profile=icc)
    red = Logo(Image.new("RGBA", (60, 30), (176, 84, 70, 255)), "0" * 64)
    out, made = apply_watermark(data, red)
    shown = lab(opened(out).convert("RGB"), icc)
    box = made.box
    patch = shown[box.top + 10 : box.top + 20, box.left + 10 : box.left + 20].reshape(-1, 3)
    wanted = lab(Image.new("RGB", (1, 1), (176, 84, 70)), None)[0, 0]
    assert delta_e(patch.mean(axis=0), wanted) <= 2


def old_jpeg(picture: bytes, size: tuple[int, int]) -> bytes:
    """TIFF 6.0, section 22, as scanners wrote it: JPEGInterchangeFormat is a whole JPEG, of which
    the strip is the coded data."""
    scan = picture.index(b"\xff\xda")
    coded = scan + 2 + int.from_bytes(picture[scan + 2 : scan + 4])
    start = 8
    at = start + len(picture) + len(picture) % 2
    entries = [
        (256, 4, 1, size[0]),
        (257, 4, 1, size[1]),
        (258, 3, 3, at + 2 + 12 * 14 + 4),
        (259, 3, 1, 6),
        (262, 3, 1, 6),
        (273, 4, 1, start + coded),
        (277, 3, 1, 3),
        (278, 4, 1, size[1]),
        (279, 4, 1, len(picture) - coded),
        (512, 3, 1, 1),
        (513, 4, 1, start),
        (514, 4, 1, len(picture)),
        (530, 3, 2, 2 | 2 << 16),
        (531, 3, 1, 1),
    ]
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II*\0" + struct.pack("<I", at) + picture + bytes(len(picture) % 2)
    return head + body + bytes(4) + struct.pack("<3H", 8, 8, 8)


@pytest.mark.parametrize("lacks", [0, 277], ids=["whole", "without SamplesPerPixel"])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_an_old_jpeg_becomes_one_of_today(
    subsampling: int, lacks: int, apply_watermark: ApplyWatermark
) -> None:
    picture = encoded(photo(SIZE), "JPEG", subsampling=subsampling)
    data = old_jpeg(picture, SIZE)
    if lacks:  # another tag that says nothing takes its place
        entry = struct.pack("<HHII", 277, 3, 1, 3)
        assert data.count(entry) == 1
        data = data.replace(entry, struct.pack("<HHII", 274, 3, 1, 1))
    out, made = apply_watermark(data)
    tags = read_tags(out)
    assert tags[259] == (7,)
    assert tags[530] == ((2, 2) if subsampling else (1, 1))
    assert not tags.keys() & {512, 513, 514}
    assert made.notes == ("the old JPEG-in-TIFF became the current kind",)
    assert psnr_outside(opened(picture), opened(out).convert("RGB"), made.box, 16) >= 48
    assert len(out) < 1.3 * len(picture)


@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("rows", [64, 1000], ids=["strips", "one strip"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("head", ["tags", "a header", "each strip"])
def test_an_old_jpeg_in_parts_becomes_one_of_today(
    head: Head, mode: str, rows: int, restart: int, apply_watermark: ApplyWatermark
) -> None:
    order = "<" if restart else ">"
    data, shown = old_jpeg_in_parts(
        photo(SIZE, mode), head, rows=rows, restart=restart, order=order
    )
    out, made = apply_watermark(data)
    assert read_tags(out)[259] == (7,)
    assert made.notes == ("the old JPEG-in-TIFF became the current kind",)
    after = opened(out)
    assert after.mode == mode
    assert psnr_outside(shown, after, made.box, 16) >= 48
    if rows == 64:  # below the overlay
        below = (0, 64 * -(-(made.box.top + made.box.height) // 64), *SIZE)
        assert after.crop(below).tobytes() == shown.crop(below).tobytes()
    assert len(out) < 1.3 * len(data)


@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_parts_of_an_old_jpeg_may_be_tiles(
    subsampling: int, apply_watermark: ApplyWatermark
) -> None:
    data, shown = old_jpeg_in_parts(photo(SIZE), tile=64, subsampling=subsampling)
    out, made = apply_watermark(data)
    assert read_tags(out)[259] == (7,)
    assert psnr_outside(shown, opened(out), made.box, 16) >= 48


def test_the_parts_of_an_old_jpeg_may_be_planes(apply_watermark: ApplyWatermark) -> None:
    data, shown = old_jpeg_in_parts(photo(SIZE), planar=True)
    out, made = apply_watermark(data)
    assert read_tags(out)[259] == (8,)
    assert is_same_outside(shown, opened(out), made.box)
    assert any("the JPEG inside was decoded" in note for note in made.notes)


@pytest.mark.parametrize("head", ["tags", "a header"])
def test_old_jpegs_in_parts_are_read_as_libtiff_reads_them(
    head: Head, apply_watermark: ApplyWatermark
) -> None:
    # It reads these; with other strips or orders of bytes it fails. It rounds colours differently.
    data, _ = old_jpeg_in_parts(photo(SIZE), head)
    out, made = apply_watermark(data)
    assert psnr_outside(opened(data), opened(out), made.box, 16) >= 46


def test_a_lossless_old_jpeg_is_refused(apply_watermark: ApplyWatermark) -> None:
    data, _ = old_jpeg_in_parts(photo(SIZE), lossless=True)
    with pytest.raises(UnsupportedPicture, match="an old JPEG that is lossless"):
        apply_watermark(data)


def test_the_strips_of_an_old_jpeg_must_not_end_within_a_block(
    apply_watermark: ApplyWatermark,
) -> None:
    data, _ = old_jpeg_in_parts(photo(SIZE), rows=40)
    with pytest.raises(UnsupportedPicture, match="strips end within a block"):
        apply_watermark(data)


def test_a_strip_of_no_rows_has_all(apply_watermark: ApplyWatermark) -> None:
    """libtiff takes a RowsPerStrip of 0 for none."""
    data = encoded(photo((120, 90)), "TIFF", compression="jpeg", strip_size=1 << 20)
    (rows,) = read_tags(data)[278]
    entry = next(
        at for kind in (3, 4) if (at := data.find(struct.pack("<HHII", 278, kind, 1, rows))) > 0
    )
    data = data[: entry + 8] + bytes(4) + data[entry + 12 :]
    assert read_tags(data)[278] == (0,)
    out, _ = apply_watermark(data)
    assert pieces(out, read_tags(out)) != pieces(data, read_tags(data))


def test_tiles_that_are_not_there_are_not_said_to_be_watermarked(
    apply_watermark: ApplyWatermark,
) -> None:
    data = PICTURES["tiles"]
    tags = read_tags(data)
    for tag in (324, 325):
        entry = data.index(struct.pack("<HHI", tag, 4, len(tags[tag])))
        data = data[: entry + 4] + struct.pack("<I", 5) + data[entry + 8 :]
    with pytest.raises(BrokenPicture):
        apply_watermark(data)
