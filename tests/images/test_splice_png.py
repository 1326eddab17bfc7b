"""A PNG whose rows under the overlay alone were compressed anew."""

import struct
import zlib

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from media_processor.images import splice
from media_processor.images.codecs import Options
from media_processor.images.containers import png
from media_processor.images.overlay import Overlay
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT, Profile, Tile
from tests.pairwise import pairwise

from .pictures import LIMITS, encoded, orientation_exif, photo, png_chunk, quartered_logo
from .splicing import cover, soft_logo, spliced

native = pytest.importorskip("media_processor_native", reason="there is no cargo here")

OPTIONS = Options(LIMITS, DEFAULT.strip, DEFAULT.quality)
COLOURS = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
CODINGS = {
    "usual": {"level": 6},
    "thorough": {"level": 9},
    "stored": {"level": 0},
    "fixed": {"strategy": zlib.Z_FIXED},
    "literals": {"strategy": zlib.Z_HUFFMAN_ONLY},
}

Samples = NDArray[np.uint16]


def samples_of(mode: str, depth: int, size: tuple[int, int]) -> Samples:
    eights = np.asarray(photo(size, mode)).reshape(size[1], size[0], -1).astype(np.uint16)
    if depth == 8:
        return eights
    low = np.arange(eights.size).reshape(eights.shape) * 7 % 256
    return (eights.astype(int) * 256 + low).astype(np.uint16)


def png_of(samples: Samples, mode: str, depth: int, filters: str, **coding: int) -> bytes:
    """A PNG whose rows take turns with the filters that ``filters`` names by their numbers."""
    height, width, bands = samples.shape
    raw = samples.astype(">u2" if depth == 16 else "u1")
    lines = np.frombuffer(raw.tobytes(), np.uint8).reshape(height, -1).astype(np.int16)
    step = bands * depth // 8
    left, up, corner = np.zeros_like(lines), np.zeros_like(lines), np.zeros_like(lines)
    left[:, step:], up[1:], corner[1:, step:] = lines[:, :-step], lines[:-1], lines[:-1, :-step]
    near = [abs(left + up - corner - other) for other in (left, up, corner)]
    paeth = np.where(near[1] <= near[2], up, corner)
    paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, paeth)
    predictions = [0 * lines, left, up, (left + up) // 2, paeth]
    kinds = [int(filters[row % len(filters)]) for row in range(height)]
    filtered = b"".join(
        bytes([kind]) + (lines[row] - predictions[kind][row]).astype(np.uint8).tobytes()
        for row, kind in enumerate(kinds)
    )
    deflate = zlib.compressobj(
        level=coding.get("level", 6), strategy=coding.get("strategy", zlib.Z_DEFAULT_STRATEGY)
    )
    coded = deflate.compress(filtered) + deflate.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, COLOURS[mode], 0, 0, 0)
    pieces = [png_chunk(b"IDAT", coded[at : at + 8192]) for at in range(0, len(coded), 8192)]
    return png.SIGNATURE + png_chunk(b"IHDR", header) + b"".join(pieces) + png_chunk(b"IEND", b"")


def coded_in(data: bytes) -> bytes:
    """The compressed rows; every checksum must be right."""
    png.strip(data)
    return b"".join(
        data[chunk.start : chunk.end] for chunk in png.chunks(data) if chunk.name == b"IDAT"
    )


def decoded(data: bytes) -> Samples:
    # libvips checks it all.
    zlib.decompress(coded_in(data))
    image = pyvips.Image.pngload_buffer(data, fail_on="warning")
    found: Samples = image.numpy().reshape(image.height, image.width, -1).astype(np.uint16)
    return found


def check_pixels(data: bytes, out: bytes, overlay: Overlay, mode: str, depth: int) -> None:
    """Nothing outside the overlay changes, and inside it the definition is met within a step."""
    before, after = decoded(data), decoded(out)
    height, width, bands = before.shape
    mark = cover(overlay, (width, height), mode[:1] if mode[:1] == "L" else "RGB")
    share = mark.alpha[:height, :width, None]
    colours = mark.colours[:, :height, :width].transpose(1, 2, 0)
    most = 2**depth - 1
    assert np.array_equal(before[share[..., 0] == 0], after[share[..., 0] == 0])
    opacity = np.ones_like(share)
    if bands in (2, 4):
        opacity = before[..., -1:] / most
        whole = share + opacity * (1 - share)
        assert abs(after[..., -1:] - whole * most).max() <= 1
    rest = opacity * (1 - share)
    wanted = (colours * most / 255 * share + before[..., : len(mark.colours)] * rest) / np.maximum(
        share + rest, 1e-9
    )
    covered = share[..., 0] > 0
    assert covered.any()
    assert abs(after[..., : len(mark.colours)] - wanted)[covered].max() <= 1


@pytest.mark.parametrize(
    ("mode", "depth", "filters", "coding"),
    pairwise(COLOURS, [8, 16], ["0", "1", "2", "3", "4", "4213001"], CODINGS),
)
def test_a_png_changes_under_the_overlay_only(
    mode: str, depth: int, filters: str, coding: str
) -> None:
    data = png_of(samples_of(mode, depth, (240, 330)), mode, depth, filters, **CODINGS[coding])
    out, overlay = spliced(data, soft_logo())
    check_pixels(data, out, overlay, mode, depth)
    before, after = coded_in(data), coded_in(out)
    # What lies behind the overlay's rows and a window is copied to the byte, but for the checksum.
    rest = (len(before) - 4) // 3 if len(before) > 150_000 else 0
    assert before[-4 - rest : -4] == after[-4 - rest : -4]


@pytest.mark.parametrize("anchor", ["top-left", "left", "center", "bottom-right"])
@pytest.mark.parametrize("coding", ["usual", "fixed", "stored"])
def test_what_lies_before_the_overlay_is_copied_too(anchor: str, coding: str) -> None:
    data = png_of(samples_of("RGB", 8, (300, 700)), "RGB", 8, "4", **CODINGS[coding])
    out, overlay = spliced(data, soft_logo(), Profile("a", anchor=anchor))  # type: ignore[arg-type]
    check_pixels(data, out, overlay, "RGB", 8)
    before, after = coded_in(data), coded_in(out)
    if anchor == "bottom-right" and coding != "fixed":  # which is one block
        assert before[2 : len(before) // 2] == after[2 : len(before) // 2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_png(orientation: int) -> None:
    data = png_of(samples_of("RGB", 8, (130, 170)), "RGB", 8, "4")
    exif = png_chunk(b"eXIf", orientation_exif(orientation).removeprefix(b"Exif\0\0"))
    turned = data[:33] + exif + data[33:]
    out, overlay = spliced(turned, soft_logo())
    check_pixels(turned, out, overlay, "RGB", 8)
    assert probe(out, LIMITS).orientation == orientation


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (40, 1), (7, 3), (33, 2000), (2000, 33)], ids=str
)
def test_sizes(size: tuple[int, int]) -> None:
    data = png_of(samples_of("RGBA", 8, size), "RGBA", 8, "43210")
    out, overlay = spliced(data, soft_logo())
    check_pixels(data, out, overlay, "RGBA", 8)


def test_a_tile() -> None:
    data = png_of(samples_of("RGB", 8, (300, 200)), "RGB", 8, "4")
    out, overlay = spliced(data, soft_logo(), Profile("tiled", tile=Tile(angle=30), opacity=0.5))
    assert len(overlay.stored) > 4
    check_pixels(data, out, overlay, "RGB", 8)


def test_where_nothing_shows_nothing_changes() -> None:
    data = png_of(samples_of("RGB", 8, (300, 200)), "RGB", 8, "4")
    out, _ = spliced(data, quartered_logo(alpha=0))
    assert coded_in(out) == coded_in(data)


def test_a_photo_grows_by_three_per_cent_at_most() -> None:
    data = png_of(samples_of("RGB", 8, (1200, 900)), "RGB", 8, "4", level=9)
    assert len(spliced(data, soft_logo())[0]) <= 1.03 * len(data)


def test_transparent_pixels_take_the_overlays_colours() -> None:
    samples = samples_of("RGBA", 8, (120, 90))
    samples[..., 3] = 0
    out, overlay = spliced(png_of(samples, "RGBA", 8, "4"), quartered_logo())
    box = overlay.stored[0]
    inside = decoded(out)[box.top + 2, box.left + 2]
    assert tuple(inside) == (220, 30, 30, 255)


@pytest.mark.parametrize(
    ("mode", "options", "reason"),
    [
        ("P", {}, "palette"),
        ("1", {}, "unusual depth"),
        ("RGB", {"transparency": (1, 2, 3)}, "one colour is transparent"),
        ("RGB", {"save_all": True, "append_images": [photo((40, 30)).rotate(9)]}, "animated"),
    ],
)
def test_what_is_declined(mode: str, options: dict[str, object], reason: str) -> None:
    image: Image.Image = photo((40, 30)).convert(mode)
    info = probe(data := encoded(image, "PNG", **options), LIMITS)
    with pytest.raises(splice.Declined) as declined:
        splice.watermark(data, info, Overlay([soft_logo()], DEFAULT, info), OPTIONS)
    assert declined.value.reason == reason


def file_of(coded: bytes, size: tuple[int, int], *more: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", coded), (b"IEND", b"")]
    return png.SIGNATURE + b"".join(png_chunk(name, payload) for name, payload in chunks)


def marked(data: bytes, memory: int = 1 << 26) -> bytes:
    return bytes(native.splice_png(data, (3, 3, [bytes(9)], b"\xff" * 9), [(2, 2)], b"", memory))


SIZE = (60, 2000)
ROWS = bytes(61) * 1000 + (b"\0" + bytes(range(60))) * 1000
CODED = zlib.compress(ROWS)


def test_bytes_behind_the_stream_go() -> None:
    for more in (b"\0", b"junk", zlib.compress(b"another")):
        assert decoded(marked(file_of(CODED + more, SIZE)))[0, 0] == 0


@pytest.mark.parametrize(
    "coded",
    {
        "the wrong sum": CODED[:-1] + bytes([CODED[-1] ^ 1]),
        "no sum": CODED[:-4],
        "half a sum": CODED[:-2],
        "cut": CODED[: len(CODED) // 2],
        "too few rows": zlib.compress(ROWS[: -20 * 61]),
        "a byte too much": zlib.compress(ROWS + b"x"),
        "no zlib": b"\x88\x1c" + CODED[2:],
        "a preset dictionary": b"\x78\xbb" + CODED[2:],
        "too far back": b"\x78\x9c" + bytes([0x63, 0x04, 0x42, 0x00]) + CODED[-4:],
    }.values(),
)
def test_a_stream_that_is_not_sound_is_declined(coded: bytes) -> None:
    with pytest.raises(native.Declined, match="damaged"):
        marked(file_of(coded, SIZE))


@pytest.mark.parametrize("name", [b"IDAT", b"IEND"])
def test_a_damaged_checksum_is_declined(name: bytes) -> None:
    data = bytearray(file_of(CODED, SIZE))
    end = data.index(name) + 4 + (len(CODED) if name == b"IDAT" else 0)
    data[end] ^= 1
    with pytest.raises(native.Declined, match="damaged"):
        marked(bytes(data))


def test_of_a_large_stream_padding_behind_it_is_seen() -> None:
    coded = zlib.compress(ROWS[-61:] * 30_000, level=0)
    assert len(coded) > 1 << 20
    decoded(marked(file_of(coded, (60, 30_000))))
    with pytest.raises(native.Declined, match="damaged"):
        marked(file_of(coded + b"\0\0\0\0", (60, 30_000)))


def test_a_picture_that_needs_more_memory_than_allowed_is_declined() -> None:
    data = file_of(CODED, SIZE)
    marked(data, 4 * len(data) + 2 * len(ROWS))
    with pytest.raises(native.Declined, match="too much memory"):
        marked(data, 4 * len(data) + 60_000)


def test_a_frame_without_an_animation_is_declined() -> None:
    with pytest.raises(native.Declined, match="animated"):
        marked(file_of(CODED, SIZE, (b"fcTL", bytes(26))))


@pytest.mark.slow
def test_a_million_empty_blocks_cost_little() -> None:
    """Ten bits each: building tables for every one took seconds."""
    bits = int.from_bytes(b"".join(b"\x02\x08\x20\x80\x00" for _ in range(250_000)), "little")
    empty = bits.to_bytes(1_250_000, "little")
    coded = b"\x78\x9c" + empty + zlib.compress(ROWS)[2:]
    assert decoded(marked(file_of(coded, SIZE))).shape == (2000, 60, 1)
