"""Small JPEGs of every kind that Pillow writes, and one of three scans; PNGs, streams and rows.

Behind each stands a tail that tells a mark (src/lib.rs), before a PNG's what it is
(targets/png.rs).

Usage: seeds.py FOLDER: they go to FOLDER/jpeg and FOLDER/png.
"""

import io
import random
import sys
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from PIL import Image

SIZES = [(1, 1), (8, 8), (17, 9), (33, 31), (48, 48), (65, 40)]
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "progressive-restarts": {"progressive": True, "restart_marker_blocks": 3},
    "restarts": {"restart_marker_blocks": 1},
    "restart-rows": {"restart_marker_rows": 1, "optimize": True},
    "coarse": {"quality": 5, "optimize": True},
    "fine": {"quality": 100},
    "comment": {"comment": b"a comment", "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0", "dpi": (72, 72)},
    "rgb": {"keep_rgb": True},
}
SAMPLINGS = ["4:4:4", "4:2:2", "4:2:0", "4:1:1"]


def picture(mode: str, size: tuple[int, int], chance: random.Random) -> Image.Image:
    across, down = size
    bands = len(mode) if mode == "RGB" else 1
    noise = [chance.randrange(1, 60) for _ in range(across * down * bands)]
    slope = [(at // bands % across * 3 + value) % 256 for at, value in enumerate(noise)]
    return Image.frombytes(mode, size, bytes(slope))


def coded(made: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    made.save(out, kind, **options)
    return out.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def apart(size: tuple[int, int], interval: int) -> bytes:
    """One sequential scan for each component, which Pillow doesn't write: all grey.

    Codes are 0 for a DC difference of 0, and 00, 01, 10 for symbols 0, 1 and 0x11 behind it.
    """
    across, down = size
    edges = down.to_bytes(2, "big") + across.to_bytes(2, "big")
    frame = b"\x08" + edges + b"\3" + bytes([1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0])
    tables = bytes([0, 1, *[0] * 15, 0, 0x10, 0, 3, *[0] * 14, 0, 1, 0x11])
    out = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([8] * 64)) + segment(0xC0, frame)
    out += segment(0xC4, tables) + segment(0xDD, interval.to_bytes(2, "big"))
    for component, width in [(1, 1), (2, 2), (3, 2)]:
        blocks = -(-across // (8 * width)) * -(-down // 8)
        out += segment(0xDA, bytes([1, component, 0, 0, 63, 0]))
        for first in range(0, blocks, interval or blocks):
            out += bytes([0xFF, 0xD0 + (first // interval - 1) % 8]) if first else b""
            count = 3 * min(interval or blocks, blocks - first)
            bits = "0" * count + "1" * (-count % 8)
            out += int(bits, 2).to_bytes(len(bits) // 8, "big")
    return out + b"\xff\xd9"


def tail(size: tuple[int, int], chance: random.Random) -> bytes:
    places = b"".join(
        (chance.randrange(-8, edge) * 16).to_bytes(2, "big", signed=True)
        for _ in range(3)
        for edge in size
    )
    shape = bytes([chance.randrange(64), chance.randrange(64), chance.randrange(256) | 16])
    return shape + chance.randbytes(1) + places


def jpegs(chance: random.Random) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    for (kind, options), size, mode in product(KINDS.items(), SIZES, ["L", "RGB"]):
        is_sampled = mode == "RGB" and kind != "rgb"
        sampling = {"subsampling": chance.choice(SAMPLINGS)} if is_sampled else {}
        made = coded(picture(mode, size, chance), **options, **sampling)
        yield f"{kind}-{mode}-{size[0]}x{size[1]}", made, size
    for interval in [0, 2]:
        yield f"apart-{interval}", apart((40, 20), interval), (40, 20)


def pngs(chance: random.Random) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    """A whole file, a deflate stream and rows for each layout."""
    layouts = product(["L", "RGB", "LA", "RGBA"], [8, 16], [(9, 40), (60, 255)])
    for mode, depth, size in layouts:
        name, step = f"{mode}-{depth}-{size[1]}", len(mode) * depth // 8
        head = bytes(
            [["L", "RGB", "LA", "RGBA"].index(mode) | (depth // 16) << 2, size[0] - 1, size[1] - 1]
        )
        row = bytes([chance.randrange(5)]) + chance.randbytes(7) * (size[0] * step)
        rows = b"".join(row[: 1 + size[0] * step] for _ in range(size[1]))
        for way in (2, 5, 17, 29):  # levels 0, 1, 5 and 9
            yield f"rows-{name}-{way}", bytes([way]) + head + rows[:400], size
        for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY):
            deflate = zlib.compressobj(wbits=-15, strategy=strategy)
            stream = deflate.compress(rows) + deflate.flush()
            yield f"stream-{name}-{strategy}", bytes([1]) + head + stream, size
    for mode, size in product(["L", "RGB", "LA", "RGBA"], SIZES):
        made = coded(picture(mode[:3].replace("LA", "L"), size, chance).convert(mode), "PNG")
        yield f"file-{mode}-{size[0]}x{size[1]}", bytes(4) + made, size


def main(folder: Path) -> None:
    chance = random.Random(1)  # noqa: S311
    for kind, made in (("jpeg", jpegs(chance)), ("png", pngs(chance))):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, content, size in made:
            (folder / kind / name).write_bytes(content + tail(size, chance))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
