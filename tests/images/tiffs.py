"""TIFFs of every kind, written and read here without any library but zlib and NumPy."""

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Tags = dict[int, tuple[Any, ...]]

_LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 7: "B", 8: "h", 9: "i"}
_LETTERS |= {11: "f", 12: "d", 13: "I", 16: "Q", 18: "Q"}
PACKED = (10, 12, 14)


def ramps(size: tuple[int, int], bands: int, most: int, dtype: str = "f8") -> Array:
    """Numbers from 0 to ``most`` that differ from pixel to pixel and band to band."""
    width, height = size
    rows, columns, band = np.ogrid[:height, :width, :bands]
    values: Array = (rows * 7919 + columns * 131 + band * 3571) % 997 / 996 * most
    return values.astype(dtype)


def to_24_bits(values: Array) -> Array:
    """Floats from 0 on as Technical Note 3 has them: sign, 7 bits of exponent, 16 of mantissa."""
    halves, exponents = np.frexp(values)
    bits = (exponents.astype("i8") + 62 << 16) + np.rint((2 * halves - 1) * 65536).astype("i8")
    made: Array = np.where(values > 0, bits, 0).astype("u4")
    return made


def float_differences(raw: bytes, width: int, depth: int, bands: int, order: str) -> bytes:
    """As Technical Note 3 has them: of each row all the highest bytes first, then differences."""
    samples = np.frombuffer(raw, "u1").reshape(-1, width * bands, depth // 8)
    planes = samples[:, :, ::-1] if order == "<" else samples
    rows = planes.transpose(0, 2, 1).reshape(len(samples), -1, bands)
    return np.diff(rows, axis=1, prepend=np.zeros_like(rows[:, :1])).tobytes()


def pack(values: Array, depth: int, order: str) -> bytes:
    """Rows of whole numbers or floats, each filled up to a byte."""
    flat = values.reshape(values.shape[0], -1)
    if depth in PACKED:
        bits = flat[:, :, None] >> np.arange(depth)[::-1] & 1
        return np.packbits(bits.reshape(len(flat), -1).astype("u1"), axis=1).tobytes()
    if depth == 24:
        whole = flat.astype(f"{order}u4").view("u1").reshape(*flat.shape, 4)
        return (whole[:, :, :3] if order == "<" else whole[:, :, 1:]).tobytes()
    return flat.astype(flat.dtype.newbyteorder("<" if order == "<" else ">")).tobytes()


def unpack(raw: bytes, shape: tuple[int, int, int], depth: int, kind: int, order: str) -> Array:
    height, width, bands = shape
    if depth in PACKED:
        rows = np.frombuffer(raw, "u1").reshape(height, -1)
        bits = np.unpackbits(rows, axis=1)[:, : width * bands * depth]
        numbers: Array = bits.reshape(height, width * bands, depth) @ (1 << np.arange(depth)[::-1])
        return numbers.reshape(shape)
    if depth == 24:
        parts = np.frombuffer(raw, "u1").reshape(height, width * bands, 3).astype("u4")
        shifts = np.array([0, 8, 16] if order == "<" else [16, 8, 0])
        whole: Array = (parts << shifts).sum(axis=2)
        return whole.reshape(shape)
    return np.frombuffer(raw, f"{order}{'?uif'[kind]}{depth // 8}").reshape(shape)


def directory(order: str, tags: Tags, kinds: Mapping[int, int], at: int, *, big: bool) -> bytes:
    """One directory that lies at ``at``, its values behind it; without a next one."""
    word, head = ("Q", "Q") if big else ("I", "H")
    room, size = (8, 20) if big else (4, 12)
    values = b""
    entries = struct.pack(order + head, len(tags))
    behind = at + len(entries) + size * len(tags) + room
    for number, numbers in sorted(tags.items()):
        kind = kinds.get(number, 3 if all(0 <= n < 1 << 16 for n in numbers) else 4)
        letters = _LETTERS[kind] * (len(numbers) if kind != 5 else len(numbers) // 2)
        value = struct.pack(order + letters, *numbers)
        entries += struct.pack(order + "HH" + word, number, kind, len(letters))
        if len(value) > room:
            entries += struct.pack(order + word, behind + len(values))
            values += value + bytes(len(value) % 2)
        else:
            entries += value.ljust(room, b"\0")
    return entries + bytes(room) + values


def _filled(part: Array, side: int) -> Array:
    return np.pad(part, ((0, side - part.shape[0]), (0, side - part.shape[1]), (0, 0)))


def tiff(
    values: Array,
    depth: int = 8,
    photometric: int = 2,
    *,
    kind: int = 1,
    order: str = "<",
    planar: bool = False,
    deflate: bool = False,
    differs: bool = False,
    rows: int = 50,
    tile: int = 0,
    big: bool = False,
    tags: Tags | None = None,
    kinds: Mapping[int, int] | None = None,
) -> bytes:
    """``values`` are rows of pixels of samples; ``tags`` come on top of what describes them."""
    height, width, bands = values.shape
    planes = [values[:, :, band : band + 1] for band in range(bands)] if planar else [values]
    strips = [
        pack(plane[top : top + rows], depth, order)
        for plane in planes
        for top in range(0, height, rows)
    ]
    if tile:
        strips = [
            pack(_filled(plane[top : top + tile, left : left + tile], tile), depth, order)
            for plane in planes
            for top in range(0, height, tile)
            for left in range(0, width, tile)
        ]
    if differs:
        across = tile or width
        strips = [float_differences(strip, across, depth, bands, order) for strip in strips]
    coded = [zlib.compress(strip) if deflate else strip for strip in strips]
    out = struct.pack(order + "2sH", b"II" if order == "<" else b"MM", 43 if big else 42)
    out += struct.pack(order + "HH", 8, 0) if big else b""
    start = len(out) + (8 if big else 4)
    starts = [start + sum(map(len, coded[:number])) for number in range(len(coded))]
    end = start + sum(map(len, coded))
    out += struct.pack(order + ("Q" if big else "I"), end + end % 2)
    out += b"".join(coded) + bytes(end % 2)
    described: Tags = {
        **{256: (width,), 257: (height,), 258: (depth,) * bands, 259: (8 if deflate else 1,)},
        **{262: (photometric,), 273: tuple(starts), 277: (bands,), 278: (rows,)},
        **{279: tuple(map(len, coded)), 284: (2 if planar else 1,), 339: (kind,) * bands},
    }
    if differs:
        described[317] = (3,)
    if tile:
        described |= {322: (tile,), 323: (tile,), 324: described.pop(273), 325: described.pop(279)}
    wide = {273: 16, 279: 16, 324: 16, 325: 16} if big else {}
    return out + directory(
        order, described | (tags or {}), {**wide, **(kinds or {})}, len(out), big=big
    )


def read_tags(data: bytes, at: int | None = None) -> Tags:
    """Those of the first directory of a TIFF 6.0, or of the one at ``at``."""
    order = "<" if data[:2] == b"II" else ">"
    if at is None:
        magic, at = struct.unpack_from(order + "HI", data, 2)
        assert magic == 42
    found: Tags = {}
    for entry in range(at + 2, at + 2 + 12 * struct.unpack_from(order + "H", data, at)[0], 12):
        number, kind, count = struct.unpack_from(order + "HHI", data, entry)
        letters = _LETTERS.get(kind, "B") * count
        size = struct.calcsize(order + letters)
        start = entry + 8 if size <= 4 else struct.unpack_from(order + "I", data, entry + 8)[0]
        found[number] = struct.unpack_from(order + letters, data, start)
    return found


def read(data: bytes) -> tuple[Tags, Array]:
    """The first page, uncompressed or deflated, in strips."""
    order, tags = "<" if data[:2] == b"II" else ">", read_tags(data)
    strips = [data[start : start + size] for start, size in zip(tags[273], tags[279], strict=True)]
    raw = b"".join(zlib.decompress(strip) if tags[259] == (8,) else strip for strip in strips)
    depth, kind = tags[258][0], tags.get(339, (1,))[0]
    shape = (tags[257][0], tags[256][0], tags[277][0])
    if tags.get(284, (1,)) == (2,):
        planes = np.split(np.frombuffer(raw, "u1"), shape[2])
        one = (*shape[:2], 1)
        parts = [unpack(plane.tobytes(), one, depth, kind, order) for plane in planes]
        return tags, np.concatenate(parts, axis=2)
    values = unpack(raw, shape, depth, kind, order)
    if tags.get(317, (1,)) == (2,):
        values = np.cumsum(values, axis=1, dtype=values.dtype.newbyteorder("="))
    return tags, values
