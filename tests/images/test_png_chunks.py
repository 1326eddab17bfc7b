"""Every chunk of a PNG, registered or private: it stays, or its name is in the notes."""

import re
import struct
from collections.abc import Iterable

import pytest

from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .pictures import encoded, photo, png_chunk, png_with

SIZE = (160, 120)
KEPT = {
    b"cHRM": struct.pack(">8I", 31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000),
    b"gAMA": struct.pack(">I", 45_455),
    b"sRGB": b"\0",
    b"cICP": bytes((12, 13, 0, 1)),
    b"mDCV": bytes(range(24)),
    b"cLLI": struct.pack(">II", 10_000_000, 4_000_000),
    b"mDCv": bytes(range(24)),
    b"cLLi": struct.pack(">II", 10_000_000, 4_000_000),
    b"pHYs": struct.pack(">IIB", 2, 1, 0),
    b"tIME": bytes((7, 232, 1, 2, 3, 4, 5)),
    b"oFFs": struct.pack(">iiB", -7, 9, 1),
    b"sTER": b"\1",
    b"sCAL": b"\x010.5\x002.5e-3",
    b"vpAg": struct.pack(">IIB", 800, 600, 0),
    b"caNv": struct.pack(">IIii", 800, 600, 3, 4),
    b"bKGD": bytes(6),
    b"sBIT": bytes((5, 6, 5)),
    b"pCAL": b"light\0" + struct.pack(">iiBB", 0, 255, 0, 2) + b"lx\x000\x001",
}
LOST = {
    b"sPLT": (b"mine\0\x08" + bytes(6), "sPLT (suggested palette)"),
    b"hIST": (bytes(4), "hIST (histogram)"),
    b"dSIG": (bytes(4), "dSIG (digital signature)"),
    b"gIFg": (bytes(4), "gIFg (GIF control)"),
    b"gIFx": (b"NETSCAPE2.0", "gIFx (GIF extension)"),
    b"gIFt": (bytes(24), "gIFt (GIF text)"),
    b"gmAP": (bytes(4), "gmAP (HDR gain map)"),
    b"gdAT": (bytes(4), "gdAT (HDR gain map)"),
    b"fRAc": (bytes(4), "fRAc (fractal parameters)"),
    b"orNT": (b"\6", "orNT (orientation)"),
    b"prVt": (b"mine", "prVt"),
    # Known ones of a wrong length, which decoders pass over.
    b"gAMA": (b"\0", "gAMA"),
    b"sCAL": (b"\1rubbish", "sCAL (physical scale)"),
}

IN_CONVERSION = set(KEPT) - {b"gAMA", b"sRGB", b"cICP", b"cHRM", b"pHYs", b"sBIT"}


def in_groups(names: Iterable[bytes]) -> list[tuple[bytes, ...]]:
    """A note shows eight."""
    found = sorted(names)
    return [tuple(found[at : at + 8]) for at in range(0, len(found), 8)]


def with_chunks(chunks: dict[bytes, bytes]) -> bytes:
    return png_with(encoded(photo(SIZE), "PNG"), *chunks.items())


def test_chunks_that_are_still_true_stay(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(with_chunks(KEPT))
    for name, payload in KEPT.items():
        assert png_chunk(name, payload) in out
    assert made.notes == ()


@pytest.mark.parametrize("names", in_groups(LOST))
def test_chunks_that_are_not_true_any_more_are_named(
    names: tuple[bytes, ...], apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(with_chunks({name: LOST[name][0] for name in names}))
    assert made.notes == ("chunks were dropped: " + ", ".join(LOST[name][1] for name in names),)
    assert not any(name in out for name in names)


def test_where_to_begin_to_decode_is_not_worth_a_word(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(with_chunks({b"iDOT": bytes(28)}))
    assert b"iDOT" not in out
    assert made.notes == ()


@pytest.mark.parametrize("names", in_groups(IN_CONVERSION))
def test_another_format_has_no_place_for_them(
    names: tuple[bytes, ...], apply_watermark: ApplyWatermark
) -> None:
    data = with_chunks({name: KEPT[name] for name in names})
    _, made = apply_watermark(data, profile=Profile("p", format="webp"))
    (said,) = (note for note in made.notes if note.startswith("chunks were dropped: "))
    assert re.findall(r"(\w{4}) \(", said) == [name.decode() for name in names]


@pytest.mark.parametrize("name", [b"cHRM", b"cICP"])
def test_colours_that_another_format_cannot_describe(
    name: bytes, apply_watermark: ApplyWatermark
) -> None:
    _, made = apply_watermark(with_chunks({name: KEPT[name]}), profile=Profile("p", format="webp"))
    assert any(f"what describes them was dropped ({name.decode()})" in note for note in made.notes)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_another_format_has_no_place_for_the_shape_of_pixels(
    kind: str, apply_watermark: ApplyWatermark
) -> None:
    picture = photo(SIZE)
    data = encoded(picture.quantize(16) if kind == "GIF" else picture, kind)
    place, numbers = {"JPEG": (13, b"\0\0\2\0\1"), "GIF": (12, b"\1"), "PNG": (33, b"")}[kind]
    changed = data[:place] + numbers + data[place + len(numbers) :]
    if kind == "PNG":
        changed = png_with(data, (b"pHYs", KEPT[b"pHYs"]))
    _, made = apply_watermark(changed, profile=Profile("p", format="webp"))
    assert "the pixel aspect ratio was dropped" in made.notes
    _, made = apply_watermark(data, profile=Profile("p", format="webp"))
    assert not any("aspect" in note for note in made.notes)
