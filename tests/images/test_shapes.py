"""AVIF and HEIC whose header says how they are cropped and turned."""

import struct

import pytest
from PIL import Image

from media_processor.images.containers import isobmff
from media_processor.images.geometry import Box
from media_processor.images.probe import probe

from .conftest import ApplyWatermark
from .pictures import (
    LIMITS,
    QUARTERS,
    displayed,
    encoded,
    heic,
    is_near,
    orientation_exif,
    psnr_outside,
    quarters,
)


def with_property(data: bytes, name: bytes, content: bytes, *, of_primary: bool = True) -> bytes:
    """``data``, an AVIF or HEIC, with one more property, of its primary picture, which is the
    first item (14496-12, 8.11; 23008-12, 9.3.1). What lies behind moves."""
    box = struct.pack(">I4s", 8 + len(content), name) + content
    ipco, ipma = (data.index(each) - 4 for each in (b"ipco", b"ipma"))
    end = ipco + int.from_bytes(data[ipco : ipco + 4])
    number, at = 1, ipco + 8
    while at < end:
        number, at = number + 1, at + int.from_bytes(data[at : at + 4])
    out = bytearray(data)
    if of_primary:
        count = ipma + 18  # behind head, version and flags, number of entries, the item's id
        behind = count + 1 + out[count]
        out[behind:behind] = bytes((0x80 | number,))
        out[count] += 1
        _grow(out, ipma, 1)
    out[end:end] = box
    _grow(out, ipco, len(box))
    grown = len(out) - len(data)
    for parent in (b"iprp", b"meta"):
        _grow(out, out.index(parent) - 4, grown)
    _move(out, out.index(b"iloc") - 4, grown)
    return bytes(out)


def _grow(out: bytearray, at: int, by: int) -> None:
    out[at : at + 4] = (int.from_bytes(out[at : at + 4]) + by).to_bytes(4)


def _move(out: bytearray, iloc: int, by: int) -> None:
    version, sizes, base = out[iloc + 8], out[iloc + 12], out[iloc + 13] >> 4
    assert version < 2
    assert sizes == 0x44
    at = iloc + 16
    for _ in range(int.from_bytes(out[iloc + 14 : at])):
        at += 4 + 2 * version + base
        extents = int.from_bytes(out[at : at + 2])
        at += 2
        for _ in range(extents):
            _grow(out, at, by)
            at += 8


def clap(*sides: tuple[int, int]) -> bytes:
    return struct.pack(">8i", *(number for side in sides for number in side))


SHOWN = Image.new("RGB", (400, 300), (128, 128, 128))
CROPPED = ((360, 1), (260, 1), (10, 1), (-10, 1))  # 30 to 390, 10 to 270


def cropped(kind: str) -> bytes:
    picture = Image.new("RGB", (400, 300), (20, 20, 20))
    picture.paste((128, 128, 128), (30, 10, 390, 270))
    if kind == "HEIC":
        data = heic(picture, quality=90)
    else:
        turn = orientation_exif(6 if kind == "turned AVIF" else 1)
        data = encoded(picture, "AVIF", quality=90, exif=turn)
    return with_property(data, b"clap", clap(*CROPPED))


@pytest.mark.parametrize("kind", ["AVIF", "turned AVIF", "HEIC"])
def test_a_crop_is_kept(kind: str, apply_watermark: ApplyWatermark) -> None:
    data = cropped(kind)
    size, box = (360, 260), Box(278, 10, 72, 36)
    if kind == "turned AVIF":
        size, box = (260, 360), Box(198, 10, 52, 26)
    assert probe(data, LIMITS).displayed_size == size
    out, made = apply_watermark(data)
    after = displayed(out).convert("RGB")
    assert after.size == (made.width, made.height) == size
    assert made.box == box
    found = quarters(after, made.box)
    assert all(is_near(*pair, by=12) for pair in zip(found, QUARTERS, strict=True))
    grey = Image.new("RGB", after.size, (128, 128, 128))
    assert psnr_outside(grey, after, made.box, 16) > 38


@pytest.mark.parametrize(
    ("length", "offset", "found"),
    [
        ((200, 1), (40, 1), (140, 200)),
        ((400, 1), (0, 1), (0, 400)),
        ((399, 1), (1, 2), (1, 399)),
        ((201, 2), (0, 1), (149, 101)),  # as libheif rounds it
        ((900, 1), (0, 1), (0, 400)),
    ],
)
def test_a_crop_in_fractions(
    length: tuple[int, int], offset: tuple[int, int], found: tuple[int, int]
) -> None:
    assert isobmff._along(400, length, offset) == found


def without_turn(data: bytes) -> bytes:
    """``ipma``'s association with ``irot`` says property 0, which is none."""
    ipco, ipma = data.index(b"ipco") - 4, data.index(b"ipma") - 4
    number, at = 0, ipco + 8
    while True:
        number += 1
        if data[at + 4 : at + 8] == b"irot":
            break
        at += int.from_bytes(data[at : at + 4])
    size = int.from_bytes(data[ipma : ipma + 4])
    entries = bytearray(data[ipma : ipma + size])
    wanted = [n for n in range(19, size) if entries[n] & 0x7F == number]
    assert wanted
    for n in wanted:
        entries[n] = 0
    return data[:ipma] + bytes(entries) + data[ipma + size :]


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
def test_an_association_with_no_property(kind: str, apply_watermark: ApplyWatermark) -> None:
    if kind == "HEIC":
        data = with_property(heic(SHOWN), b"irot", b"\1")
        data = with_property(data, b"ispe", struct.pack(">III", 0, 51, 23), of_primary=False)
    else:
        data = encoded(SHOWN, "AVIF", exif=orientation_exif(6))
    data = without_turn(data)
    info = probe(data, LIMITS)
    assert (info.width, info.height, info.orientation) == (400, 300, 1)
    out, made = apply_watermark(data)
    shown = displayed(out).convert("RGB")
    assert shown.size == (400, 300)
    assert made.box == Box(310, 10, 80, 40)
    found = quarters(shown, made.box)
    assert all(is_near(*pair, by=12) for pair in zip(found, QUARTERS, strict=True))
