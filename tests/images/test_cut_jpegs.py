"""JPEGs that are cut off: taken with a note of what is missing, where that is little."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from media_processor.errors import BrokenPicture
from media_processor.images.containers import jpeg
from media_processor.images.profile import Profile
from media_processor.images.thumbnail import make_thumbnail

from .conftest import ApplyWatermark
from .hdr_files import segment
from .pictures import LIMITS, encoded, opened, photo, psnr_outside


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_is_taken_with_a_note(
    progressive: bool, apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    whole = encoded(photo(), "JPEG", progressive=progressive)
    out, made = apply_watermark(whole[:-2])
    assert psnr_outside(opened(whole), opened(out), made.box, 16) >= 55
    assert "the file's end marker was missing" in made.notes
    (tmp_path / "in").write_bytes(whole[:-2])
    make_thumbnail(tmp_path / "in", tmp_path / "small", 100, LIMITS)
    assert opened(tmp_path / "small").size == (100, 75)


def test_a_jpeg_that_is_cut_in_its_last_rows_is_taken_with_a_note(
    apply_watermark: ApplyWatermark,
) -> None:
    whole = encoded(photo((48, 800)), "JPEG")
    lacks_two_rows_of_blocks = whole[: -len(whole) // 50]
    out, made = apply_watermark(lacks_two_rows_of_blocks, limits=replace(LIMITS, rows=0.9))
    assert "the file is cut off: the last 32 of 800 rows are missing" in made.notes
    before, after = (image.crop((0, 0, 48, 720)) for image in (opened(whole), opened(out)))
    assert psnr_outside(before, after, made.box, 16) >= 55
    with pytest.raises(
        BrokenPicture, match=r"truncated: 4% of its rows are missing; the limit is 1%"
    ):
        apply_watermark(lacks_two_rows_of_blocks)
    with pytest.raises(BrokenPicture, match="truncated"):
        apply_watermark(lacks_two_rows_of_blocks, profile=Profile("a", format="png"))


def test_zeros_in_place_of_the_last_rows_dont_count(apply_watermark: ApplyWatermark) -> None:
    whole = encoded(photo((48, 800)), "JPEG")
    _, made = apply_watermark(whole[: -len(whole) // 50] + bytes(4096))
    assert "the file is cut off: the last 32 of 800 rows are missing" in made.notes


PROGRESSIVE = encoded(photo(), "JPEG", progressive=True)
TABLES, SCAN = b"\xff\xc4", b"\xff\xda"
CUT_SCANS = {
    "in the last scan": (-len(PROGRESSIVE) // 100, "a part of the picture"),
    "at its beginning": (PROGRESSIVE.rindex(SCAN) + 12, "a part of the picture"),
    "in its head": (PROGRESSIVE.rindex(SCAN) + 5, "the whole picture"),
    "in its tables": (PROGRESSIVE.rindex(TABLES) + 9, "the whole picture"),
    "in a marker": (PROGRESSIVE.rindex(TABLES) + 1, "the whole picture"),
}


@pytest.mark.parametrize("name", CUT_SCANS)
def test_a_progressive_jpeg_may_lack_refinement(
    name: str, apply_watermark: ApplyWatermark, tmp_path: Path
) -> None:
    end, where = CUT_SCANS[name]
    out, made = apply_watermark(PROGRESSIVE[:end])
    assert f"the file is cut off: fine detail is missing in {where}" in made.notes
    assert psnr_outside(opened(PROGRESSIVE), opened(out), made.box, 16) >= 38
    (tmp_path / "in").write_bytes(PROGRESSIVE[:end])
    make_thumbnail(tmp_path / "in", tmp_path / "small", 100, LIMITS)
    assert opened(tmp_path / "small").size == (100, 75)
    with pytest.raises(BrokenPicture, match="truncated"):
        apply_watermark(PROGRESSIVE[:end], limits=replace(LIMITS, rows=1))


def scans_of(data: bytes) -> list[bytes]:
    """The file's head, then each scan with its tables."""
    ends = [b.start for a, b in pairwise(jpeg.segments(data)) if a.marker == jpeg.SOS]
    start = data.index(TABLES)
    return [data[:start], *(data[a:b] for a, b in pairwise([start, *ends]))]


@pytest.mark.parametrize(
    ("scans", "where"),
    [
        (6, "a part of the picture and in the colours"),
        (7, "the colours"),
        (9, "the colours"),
        (10, "a part of the picture"),
    ],
)
def test_a_progressive_jpeg_may_lack_detail_of_its_colours(
    scans: int, where: str, apply_watermark: ApplyWatermark
) -> None:
    head, *pieces = scans_of(PROGRESSIVE)
    # As mozjpeg orders them: the brightness is complete before the colours get any detail.
    pieces = [pieces[number] for number in (0, 1, 4, 5, 6, 9, 2, 3, 7, 8)]
    data = head + b"".join(pieces[:scans])
    _, made = apply_watermark(data[:-3])
    assert f"the file is cut off: fine detail is missing in {where}" in made.notes
    if scans < 9:  # detail, and not only lowest bits
        rgb = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
        with pytest.raises(BrokenPicture, match="truncated"):
            apply_watermark(data[:2] + rgb + data[2:-3])


def test_a_progressive_jpeg_lacks_nothing_else(apply_watermark: ApplyWatermark) -> None:
    starts = [match.start() for match in re.finditer(SCAN, PROGRESSIVE)]
    # libjpeg's: five give coefficients without their last bits, the sixth gives the brightness
    # its last bit but one, four give last bits.
    assert len(starts) == 10
    for end in (*(start + 20 for start in starts[:4]), starts[1] - 200, starts[5] + 20):
        with pytest.raises(BrokenPicture, match="truncated"):
            apply_watermark(PROGRESSIVE[:end])
    for end in starts[1:6]:
        notes = apply_watermark(PROGRESSIVE[:end])[1].notes
        assert "the file is cut off: most detail is missing" in notes
        with pytest.raises(BrokenPicture, match="truncated"):
            apply_watermark(PROGRESSIVE[:end], limits=replace(LIMITS, rows=1))
    for start in starts[6:]:
        apply_watermark(PROGRESSIVE[: start + 20])
