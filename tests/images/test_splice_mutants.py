"""A hundred thousand damaged pictures: no panic, no hang, nothing that a decoder rejects."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from random import Random

import pytest
from PIL import Image

from media_processor.images.containers import png
from media_processor.images.overlay import OverlayPixels

from .pictures import damaged, encoded, orientation_exif, photo, png_chunk, quartered_logo

native = pytest.importorskip("media_processor_native", reason="there is no cargo here")
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_EACH = 25_000
_MEMORY = 1 << 24
_PLACES = [(20, 4), (-10, 30), (55, -8)]

JPEGS = [
    encoded(photo(size, mode), "JPEG", quality=75, subsampling=sampling, **options)
    for size, mode, sampling in (
        ((64, 48), "RGB", 2),
        ((65, 33), "RGB", 0),
        ((40, 50), "L", 0),
        ((70, 40), "RGB", "4:1:1"),
    )
    for options in (
        {},
        {"optimize": True},
        {"progressive": True},
        {"restart_marker_blocks": 2},
        {"exif": orientation_exif(6)},
    )
]
PNGS = [
    encoded(photo((64, 48), mode), "PNG", compress_level=level)
    for mode in ("L", "LA", "RGB", "RGBA")
    for level in (0, 1, 6)
]


def mark(mode: str) -> OverlayPixels:
    image = quartered_logo((30, 20), 200).image
    return OverlayPixels(image.convert(mode), image.getchannel("A"))


MARKS = {1: mark("L"), 3: mark("RGB")}


def watermarked(splice: Callable[..., bytes], data: bytes) -> bytes | str:
    """The watermarked picture or why there is none; as grey if it isn't colour."""
    reason = ""
    for mark in MARKS.values():
        try:
            return bytes(splice(data, mark.samples, _PLACES, b"", _MEMORY))
        except native.Declined as declined:
            reason = str(declined)
        if reason != "overlay with other colour channels":
            break
    return reason


def is_readable(data: bytes, kind: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(BytesIO(data), formats=[kind]).load()
        except (OSError, SyntaxError, ValueError):
            return False
    return True


def mutants(seeds: list[bytes], change: Callable[[bytes, Random], bytes]) -> Iterator[bytes]:
    random = Random(len(seeds))
    for _ in range(_EACH):
        yield change(random.choice(seeds), random)


def cut(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def within(data: bytes, random: Random) -> bytes:
    at = random.randrange(min(len(data) - 1, 400), len(data))
    return data[:at] + damaged(data[at:], random)


def recoded(data: bytes, random: Random) -> bytes:
    """A PNG damaged in its compressed rows, with checksums that are right again."""
    rows = b"".join(
        data[part.start : part.end] for part in png.chunks(data) if part.name == b"IDAT"
    )
    pixels = png_chunk(b"IDAT", damaged(rows, random))
    return data[:33] + pixels + png_chunk(b"IEND", b"")


# Of each: how to damage it, and how many are still watermarked at the least.
CASES = {
    "jpeg cut": ("JPEG", JPEGS, cut, 0),
    "jpeg": ("JPEG", JPEGS, damaged, 1000),
    "jpeg data": ("JPEG", JPEGS, within, 1000),
    "png": ("PNG", PNGS, damaged, 1),
    "png rows": ("PNG", PNGS, recoded, 1),
}


@pytest.mark.parametrize("case", CASES)
def test_damaged_pictures_are_declined_or_stay_readable(case: str) -> None:
    kind, seeds, change, least = CASES[case]
    splice = native.splice_jpeg if kind == "JPEG" else native.splice_png
    ends: Counter[str] = Counter()
    for data in mutants(seeds, change):
        out = watermarked(splice, data)
        if isinstance(out, str):
            ends[out] += 1
        else:
            ends["watermarked"] += 1
            assert is_readable(out, kind), data.hex()
    assert ends.total() == _EACH
    assert ends["watermarked"] >= least
    assert ends["damaged"] > 1000
