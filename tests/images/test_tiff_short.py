"""TIFFs whose strips or tiles are a little short are taken, with a note."""

import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from media_processor.errors import BrokenPicture
from media_processor.images.thumbnail import make_thumbnail

from .conftest import ApplyWatermark
from .pictures import LIMITS, encoded, is_same_outside, opened, photo
from .test_tiff_sizes import PAGE
from .tiffs import ramps, read, read_tags, tiff

SIZE = (240, 300)
ROWS = 100


COMPRESSIONS = ["tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "zstd"]


def of_fewer_rows(picture: Image.Image, height: int, compression: str) -> bytes:
    """``picture`` in strips, in a TIFF that says it had more rows."""
    data = encoded(picture, "TIFF", compression=compression, tiffinfo={278: ROWS})
    start = int.from_bytes(data[4:8], "little")
    at = data.index(struct.pack("<H", 257), start)
    return data[: at + 8] + struct.pack("<I", height) + data[at + 12 :]


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "I;16", "LAB"])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressed_strips_may_lack_a_few_rows(
    compression: str, mode: str, apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    picture = photo(SIZE).convert("L" if mode == "I;16" else mode)
    picture = picture.convert(mode)
    short = picture.crop((0, 0, SIZE[0], SIZE[1] - 3))
    data = of_fewer_rows(short, SIZE[1], compression)
    out, made = apply_watermark(data)
    (note,) = made.notes
    assert "bytes of pixels were missing" in note
    ended = np.array(picture)
    ended[-3:] = 0
    plain = Image.frombytes(mode, SIZE, ended.tobytes())
    if mode == "P":
        plain.putpalette(picture.getpalette() or [])
    wanted, _ = apply_watermark(encoded(plain, "TIFF"))
    assert opened(out).tobytes() == opened(wanted).tobytes()
    (tmp_path / "short").write_bytes(data)
    make_thumbnail(tmp_path / "short", tmp_path / "small", 300, LIMITS)
    assert opened(tmp_path / "small").size == SIZE


@pytest.mark.parametrize("where", ["last", "first"])
@pytest.mark.parametrize(
    ("depth", "options"),
    [
        (8, {}),
        (16, {"planar": True}),
        (12, {}),
        (16, {"tile": 16}),
        (8, {"planar": True, "tile": 16, "order": ">"}),
    ],
    ids=["8 bits", "planes", "12 bits", "tiles", "planes of tiles"],
)
def test_a_stream_may_be_cut_off(
    depth: int, options: dict[str, Any], where: str, apply_watermark: ApplyWatermark
) -> None:
    values = ramps(SIZE, 3, (1 << depth) - 1, "u1" if depth == 8 else "u2")
    values = values + np.random.default_rng(1).integers(0, 9, values.shape, dtype=values.dtype)
    values = np.minimum(values, (1 << depth) - 1).astype(values.dtype)
    data = tiff(values, depth, deflate=True, rows=10, **options)
    tags = read_tags(data)
    tag = 325 if "tile" in options else 279
    at = 0 if where == "first" else len(tags[tag]) - 1
    counts = [count - count // 5 * (number == at) for number, count in enumerate(tags[tag])]
    out, made = apply_watermark(
        tiff(values, depth, deflate=True, rows=10, tags={tag: tuple(counts)}, **options)
    )
    assert any("bytes of pixels were missing" in note for note in made.notes)
    _, after = read(out)
    _, wanted = read(apply_watermark(data)[0])
    differs = (after != wanted).any(axis=2)
    assert 0 < differs.sum() <= 0.01 * differs.size
    assert not after[differs].all(axis=1).any()


@pytest.mark.parametrize("options", [{}, {"planar": True}], ids=["together", "planes"])
@pytest.mark.parametrize("rows", [0x80000001, 7])
def test_strips_may_have_other_rows_than_the_page_says(
    rows: int, options: dict[str, Any], apply_watermark: ApplyWatermark
) -> None:
    values = ramps(SIZE, 3, 255, "u1")
    out, _ = apply_watermark(tiff(values, rows=50, tags={278: (rows,)}, **options))
    wanted, _ = apply_watermark(tiff(values, rows=50))
    assert np.array_equal(read(out)[1], read(wanted)[1])


@pytest.mark.parametrize("lacking", [0, 3])
@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
def test_a_fax_may_lack_a_few_rows(
    compression: str, lacking: int, apply_watermark: ApplyWatermark
) -> None:
    picture = photo(SIZE).convert("1")
    short = picture.crop((0, 0, SIZE[0], SIZE[1] - lacking))
    out, made = apply_watermark(of_fewer_rows(short, SIZE[1], compression))
    assert is_same_outside(short.convert("L"), opened(out).crop((0, 0, *short.size)), made.box)
    assert len(made.notes) == (lacking > 0)


@pytest.mark.parametrize("compression", ["group3", "group4"])
def test_rows_that_a_fax_decoder_skips_are_reported(
    compression: str, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(PAGE, "TIFF", compression=compression)
    assert not apply_watermark(data)[1].notes
    tags = read_tags(data)
    at = tags[273][-1] + tags[279][-1] // 2
    (note,) = apply_watermark(data[:at] + bytes(40) + data[at + 40 :])[1].notes
    assert "rows of the fax" in note


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("lacking", [4, 150], ids=["4 rows", "half"])
def test_more_is_truncated(compression: str, lacking: int, apply_watermark: ApplyWatermark) -> None:
    short = photo((SIZE[0], SIZE[1] - lacking))
    with pytest.raises(BrokenPicture, match="truncated"):
        apply_watermark(of_fewer_rows(short, SIZE[1], compression))


def test_damage_elsewhere_stays_damage(apply_watermark: ApplyWatermark) -> None:
    data = tiff(ramps(SIZE, 3, 255, "u1"), deflate=True, rows=100)
    at = read_tags(data)[273][1]
    with pytest.raises(BrokenPicture):
        apply_watermark(data[: at + 50] + bytes(50) + data[at + 100 :])


def peak() -> int:
    """KiB of memory that this process has had at most."""
    (line,) = re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return int(line)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_strip_that_unpacks_to_far_more_costs_nothing(apply_watermark: ApplyWatermark) -> None:
    bomb = zlib.compress(bytes(1 << 27), 9)
    values = np.zeros((300, 240, 1), "u1")

    def make(start: int, first: int, cut: int) -> bytes:
        _, second = read_tags(tiff(values, photometric=1, deflate=True, rows=297))[273]
        tags = {273: (start, second), 279: (first, 15 - cut)}
        return tiff(values, photometric=1, deflate=True, rows=297, tags=tags)

    # The second strip is short, so each is unpacked by itself.
    data = make(1 << 17, len(bomb), 9)
    data = data.ljust(1 << 17, b"\0") + bomb
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before = peak()
    out, made = apply_watermark(data)
    assert peak() - before < 1 << 16
    assert any("bytes of pixels were missing" in note for note in made.notes)
    assert read(out)[1].shape == values.shape


@pytest.mark.parametrize(("missing", "is_taken"), [(1, True), (123 * 3, False), (20, True)])
def test_a_strip_that_is_a_little_short(
    missing: int, is_taken: bool, apply_watermark: ApplyWatermark
) -> None:
    values = ramps((123, 90), 3, 255, "u1")
    tags = read_tags(tiff(values))
    counts = (*tags[279][:-1], tags[279][-1] - missing)
    data = tiff(values, tags={279: counts})
    if not is_taken:
        with pytest.raises(BrokenPicture, match="truncated"):
            apply_watermark(data)
        return
    out, made = apply_watermark(data)
    _, after = read(out)
    assert after[-1].tobytes() == values[-1].tobytes()[:-missing] + bytes(missing)
    assert any(f"{missing} bytes" in note for note in made.notes)
