"""Colours that are described by numbers instead of a profile: kept, or named as lost."""

import struct
import zlib

import pytest

from media_processor.images.containers import nclx
from media_processor.images.profile import Profile
from tests.images.conftest import ApplyWatermark
from tests.images.pictures import encoded, heic, photo

P3, PQ, HLG = (12, 13), (9, 16), (9, 18)


def described(kind: str, primaries: int, transfer: int) -> bytes:
    picture = photo((160, 120))
    data = heic(picture) if kind == "HEIF" else encoded(picture, kind)
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


@pytest.mark.parametrize("colours", [P3, PQ, HLG])
def test_an_avif_keeps_them_and_says_that_the_logo_has_not_got_them(
    colours: tuple[int, int], apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(described("AVIF", *colours))
    assert nclx.unusual(out) == colours
    assert any("the logo's colours may look different" in note for note in made.notes)


def test_srgb_is_not_worth_a_word(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(described("AVIF", 1, 13))
    assert nclx.unusual(out) is None
    assert made.notes == ()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (described("AVIF", *PQ), "primaries 9, transfer 16"),
        (described("HEIF", *P3), "primaries 12, transfer 13"),
    ],
)
def test_a_conversion_names_them(data: bytes, named: str, apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(data, profile=Profile("p", format="jpeg"))
    assert f"colours may look different: what describes them was dropped ({named})" in made.notes


@pytest.mark.parametrize(
    ("name", "content", "is_named"),
    [
        (b"cICP", bytes((9, 16, 0, 1)), True),
        (b"cICP", bytes((1, 13, 0, 1)), False),
        (b"gAMA", (100_000).to_bytes(4), True),
        (b"gAMA", (45_455).to_bytes(4), False),
    ],
)
def test_a_png_that_becomes_a_jpeg_names_its_chunk(
    name: bytes, content: bytes, is_named: bool, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo((160, 120)), "PNG")
    chunk = len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)
    _, made = apply_watermark(data[:33] + chunk + data[33:], profile=Profile("p", format="jpeg"))
    assert any(f"dropped ({name.decode()})" in note for note in made.notes) == is_named
