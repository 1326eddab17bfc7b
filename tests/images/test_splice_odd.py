"""JPEGs that no usual encoder writes, written by hand: legal ones are spliced right, others are
declined."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from .pictures import encoded, opened, photo

native = pytest.importorskip("media_processor_native", reason="there is no cargo here")

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
MEMORY = 1 << 26
Codes = dict[int, list[int]]


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload


def frame(width: int, height: int, kind: int = 0xC0) -> bytes:
    """Grey, of 8 bits, with all steps 1."""
    sizes = height.to_bytes(2) + width.to_bytes(2)
    return segment(0xDB, b"\0" + b"\1" * 64) + segment(kind, b"\x08" + sizes + b"\1\1\x11\0")


def table(kind: int, codes: Codes) -> bytes:
    """``codes`` are the symbols by the length of their codes; ``kind`` is 0 for DC, 0x10 for AC."""
    counts = bytes(len(codes.get(length, [])) for length in range(1, 17))
    return segment(0xC4, bytes([kind]) + counts + b"".join(map(bytes, codes.values())))


def scan(bits: str, first: int = 0, last: int = 63, approximation: int = 0) -> bytes:
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\0")
    return segment(0xDA, bytes([1, 1, 0, first, last, approximation])) + coded


def splice(data: bytes, size: tuple[int, int], *corners: tuple[int, int], planes: int = 1) -> bytes:
    pixels = size[0] * size[1]
    plane = bytes(pixels)
    mark = (*size, [plane] * planes, b"\xff" * pixels)
    out = native.splice_jpeg(data, mark, corners, b"", MEMORY)
    return bytes(out)


def test_a_correction_of_what_was_never_reported_is_declined() -> None:
    """libjpeg makes something of it, but not what its values say."""
    tables = table(0, {2: [0, 5]}) + table(0x10, {2: [0, 1, 0x11]})
    scans = scan("0000", 0, 0) + scan("0000", 1, 5, 0x01) + scan("0000", 1, 63, 0x10)
    data = SOI + frame(16, 8, 0xC2) + tables + scans + EOI
    opened(data)
    with pytest.raises(native.Declined, match="unusual scans"):
        splice(data, (8, 8), (0, 0))


def test_a_dc_difference_that_no_table_may_tell_is_declined() -> None:
    tables = table(0, {2: [14, 15]}) + table(0x10, {1: [0]})
    data = SOI + frame(16, 8) + tables + scan("00" + f"{10_000:014b}" + "0" + "01" + "1" * 15 + "0")
    opened(data + EOI)
    with pytest.raises(native.Declined, match="values out of range"):
        splice(data + EOI, (8, 8), (0, 0))


@pytest.mark.parametrize("transforms", [(0, 1), (1, 0)])
def test_the_last_word_on_the_colours_counts(transforms: tuple[int, int]) -> None:
    plain = encoded(Image.new("RGB", (16, 16), (200, 30, 60)), "JPEG", subsampling=0)
    adobe = [segment(0xEE, b"Adobe\0\x64\0\0\0\0" + bytes([each])) for each in transforms]
    data = SOI + b"".join(adobe) + plain[20:]  # without JFIF's segment
    after = splice(data, (8, 8), (0, 0), planes=3)
    assert opened(after).getpixel((12, 12)) == opened(data).getpixel((12, 12))


def test_a_jfif_segment_that_is_too_short_says_nothing() -> None:
    plain = encoded(Image.new("RGB", (16, 16), (200, 30, 60)), "JPEG", subsampling=0)
    data = SOI + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0") + plain[20:]
    after = splice(data, (8, 8), (0, 0), planes=3)
    assert opened(after).getpixel((12, 12)) == opened(data).getpixel((12, 12))


def test_a_overlay_in_the_padding_of_a_row_changes_nothing() -> None:
    data = encoded(photo((33, 64)), "JPEG", quality=90, subsampling=2)
    assert splice(data, (16, 16), (40, 0), planes=3) == splice(data, (16, 16), planes=3)


def test_junk_behind_the_last_block_goes() -> None:
    data = encoded(photo((64, 64), "L"), "JPEG", quality=90)
    after = splice(data[:-2] + b"\x12\x34" + EOI, (8, 8), (50, 50))
    assert after == splice(data, (8, 8), (50, 50))


@pytest.mark.parametrize(
    "size", [(1, 1), (8, 8), (9, 17), (1, 300), (300, 1), (65_500, 9)], ids=str
)
@pytest.mark.parametrize("progressive", [False, True])
def test_every_size(size: tuple[int, int], progressive: bool) -> None:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    data = encoded(image, "JPEG", quality=90, progressive=progressive)
    corner = max(0, size[0] - 20)
    after = opened(splice(data, (20, 20), (corner, 0), planes=3))
    assert after.size == size
    assert after.getpixel((size[0] - 1, 0)) == (0, 0, 0)
    if corner > 16:
        area = (0, 0, corner - 16, size[1])
        assert after.crop(area).tobytes() == opened(data).crop(area).tobytes()


_GIANT = """
import resource, sys
import media_processor_native as native
data = open(sys.argv[1], "rb").read()
noise = bytes(x * x * 37 % 251 for x in range(4096))
places = [(x, y) for y in range(0, 8000, 64) for x in range(0, 12000, 64)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
out = native.splice_jpeg(data, (64, 64, [noise], b"\\xff" * 4096), places, b"", 64 << 20)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(data), len(out), (after - before) * 1024)
"""


@pytest.mark.slow
def test_a_giant_of_nothing_takes_no_memory_for_what_its_tables_lack(tmp_path: Path) -> None:
    """96 megapixels in 366 kB, and an overlay everywhere whose symbols are all missing."""
    blocks = 1500 * 1000
    tables = table(0, {1: [0]}) + table(0x10, {1: [0]})
    scanned = segment(0xDA, b"\1\1\0\0\x3f\0") + bytes(blocks // 4)
    (tmp_path / "giant.jpg").write_bytes(SOI + frame(12_000, 8_000) + tables + scanned + EOI)
    command = [sys.executable, "-c", _GIANT, str(tmp_path / "giant.jpg")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout
    source, result, memory = map(int, told.split())
    assert memory <= 2 * (source + result) + (64 << 20)


def test_a_hundred_megapixels() -> None:
    image = Image.linear_gradient("L").resize((12_000, 8_320))
    data = encoded(image, "JPEG", quality=80)
    after = Image.open(io.BytesIO(splice(data, (2000, 500), (9_990, 10))))
    assert after.size == image.size
    after.draft("L", (1500, 1040))
    assert after.convert("L").getpixel((1375, 30)) == 0
