"""What a viewer shows of a GIF and of an APNG, frame by frame, by their specifications alone.

GIF89a (CompuServe 1990): sections 18 to 23 and appendix F. As every browser has it, the screen is
transparent at first, and so is what disposal 2 clears. PNG: W3C, third edition, 9, 11.2, 11.3.6.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Frame:
    """Where it goes, its RGBA pixels, for how long, and what becomes of it: 0 keep, 1 clear,
    2 restore; ``over``: it is blended, where its alpha says so."""

    left: int
    top: int
    pixels: Array
    delay: tuple[int, int]
    dispose: int
    over: bool


@dataclass
class Animation:
    width: int
    height: int
    frames: list[Frame]
    still: Array | None = None
    plays: int = 0

    def shown(self) -> Iterator[Array]:
        screen = np.zeros((self.height, self.width, 4), np.uint8)
        for number, frame in enumerate(self.frames):
            before = screen.copy()
            height, width = frame.pixels.shape[:2]
            part = screen[frame.top : frame.top + height, frame.left : frame.left + width]
            pixels = frame.pixels[: part.shape[0], : part.shape[1]]
            part[:] = _blend(part, pixels) if frame.over else pixels
            yield screen.copy()
            if frame.dispose == 1 or (frame.dispose == 2 and number == 0):
                part[:] = 0
            elif frame.dispose == 2:
                screen = before


def _blend(under: Array, over: Array) -> Array:
    alpha, below = over[:, :, 3:] / 255, under[:, :, 3:] / 255
    whole = alpha + below * (1 - alpha)
    safe = np.where(whole == 0, 1, whole)
    colour = (over[:, :, :3] * alpha + under[:, :, :3] * below * (1 - alpha)) / safe
    mixed = np.concatenate((colour, whole * 255), axis=2)
    return np.rint(mixed).astype(np.uint8)


# PNG

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def read_apng(data: bytes) -> Animation:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, palette, clear, sequence = 8, b"", b"", 0
    still, coded, controls = b"", list[bytes](), list[bytes]()
    promised, plays, head = 0, 0, b""
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        name, payload = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert zlib.crc32(name + payload).to_bytes(4) == data[at + 8 + length : at + 12 + length]
        at += 12 + length
        if name in (b"fcTL", b"fdAT"):
            assert int.from_bytes(payload[:4]) == sequence, "numbered through (11.3.6)"
            sequence += 1
        match name:
            case b"IHDR":
                head = payload
            case b"PLTE":
                palette = payload
            case b"tRNS":
                clear = payload
            case b"acTL":
                assert not still
                assert not coded
                promised, plays = int.from_bytes(payload[:4]), int.from_bytes(payload[4:])
            case b"fcTL":
                controls.append(payload)
                coded.append(b"")
            case b"IDAT" if controls:
                assert len(controls) == 1
                coded[0] += payload
            case b"IDAT":
                still += payload
            case b"fdAT":
                coded[-1] += payload[4:]
    assert promised == len(controls) > 0
    width, height = int.from_bytes(head[:4]), int.from_bytes(head[4:8])

    def decode(pixels: bytes, width: int, height: int) -> Array:
        return _decode(zlib.decompress(pixels), width, height, head[8], head[9], palette, clear)

    frames = []
    for control, pixels in zip(controls, coded, strict=True):
        size, left, top = control[4:12], *_pair(control[12:20])
        wide, high = _pair(size)
        assert left + wide <= width
        assert top + high <= height
        delay = (int.from_bytes(control[20:22]), int.from_bytes(control[22:24]))
        frame = decode(pixels, wide, high)
        frames.append(Frame(left, top, frame, delay, control[24], control[25] == 1))
    return Animation(width, height, frames, decode(still, width, height) if still else None, plays)


def _pair(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:4]), int.from_bytes(data[4:])


def _decode(
    raw: bytes, width: int, height: int, depth: int, kind: int, palette: bytes, clear: bytes
) -> Array:
    bits = _SAMPLES[kind] * depth
    size, step = (width * bits + 7) // 8, max(1, bits // 8)
    rows, above = list[bytearray](), bytearray(size)
    for number in range(height):
        start = number * (size + 1)
        above = _unfilter(raw[start], bytearray(raw[start + 1 : start + 1 + size]), above, step)
        rows.append(above)
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(height, size)
    if depth == 16:
        pairs = table.reshape(height, width, -1, 2).astype(int)
        samples: Array = pairs[..., 0] << 8 | pairs[..., 1]
    else:
        unpacked = np.unpackbits(table, axis=1).reshape(height, -1, depth)
        values = unpacked @ (1 << np.arange(depth)[::-1])
        samples = values[:, : width * _SAMPLES[kind]].reshape(height, width, -1)
    return _to_rgba(samples, depth, kind, palette, clear)


def _unfilter(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    for at in range(len(row) if kind else 0):
        left = row[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        up = above[at]
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda value: abs(guess - value))
        row[at] = (row[at] + (0, left, up, (left + up) // 2, nearest)[kind]) & 0xFF
    return row


def _to_rgba(samples: Array, depth: int, kind: int, palette: bytes, clear: bytes) -> Array:
    full = 2**depth - 1
    shown = np.zeros((*samples.shape[:2], 4), np.uint8)
    shown[:, :, 3] = 255
    if kind == 3:
        colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
        alpha = np.frombuffer(clear.ljust(len(colours), b"\xff"), np.uint8)
        shown[:, :, :3], shown[:, :, 3] = colours[samples[:, :, 0]], alpha[samples[:, :, 0]]
        return shown
    scaled = samples >> 8 if depth == 16 else samples * 255 // full
    shown[:, :, :3] = scaled[:, :, :1] if kind in (0, 4) else scaled[:, :, :3]
    if kind in (4, 6):
        shown[:, :, 3] = scaled[:, :, -1]
    elif clear:
        named = np.frombuffer(clear, ">u2")
        shown[:, :, 3] = np.where((samples == named).all(axis=2), 0, 255)
    return shown


# GIF


def read_gif(data: bytes) -> Animation:
    assert data[:6] in (b"GIF87a", b"GIF89a")
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    common, at = _table(data, data[10], 13)
    control, frames = bytes(4), list[Frame]()
    while data[at] != 0x3B:
        if data[at] == 0x21:
            label, (payload, end) = data[at + 1], _sub_blocks(data, at + 2)
            control = payload if label == 0xF9 else control
            at = end
            continue
        assert data[at] == 0x2C, "an image, an extension or the trailer"
        left, top, wide, high = (
            int.from_bytes(data[at + n : at + n + 2], "little") for n in (1, 3, 5, 7)
        )
        flags = data[at + 9]
        own, at = _table(data, flags, at + 10)
        coded, end = _sub_blocks(data, at + 1)
        indices = np.frombuffer(_inflate(coded, data[at]), np.uint8)[: wide * high]
        indices = indices.reshape(high, wide)
        if flags & 0x40:
            order = [*range(0, high, 8), *range(4, high, 8), *range(2, high, 4), *range(1, high, 2)]
            indices = indices[np.argsort(order)]
        colours = np.frombuffer((own or common).ljust(768, b"\0"), np.uint8).reshape(-1, 3)
        pixels = np.dstack((colours[indices], np.full(indices.shape, 255, np.uint8)))
        if control[0] & 1:
            pixels[indices == control[3]] = 0
        delay = (int.from_bytes(control[1:3], "little"), 100)
        dispose = {2: 1, 3: 2}.get(control[0] >> 2 & 7, 0)
        frames.append(Frame(left, top, pixels, delay, dispose, over=True))
        control, at = bytes(4), end
    first = frames[0]
    width = max(width, first.left + first.pixels.shape[1])
    height = max(height, first.top + first.pixels.shape[0])
    return Animation(width, height, frames)


def _table(data: bytes, flags: int, at: int) -> tuple[bytes, int]:
    size = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    return data[at : at + size], at + size


def _sub_blocks(data: bytes, at: int) -> tuple[bytes, int]:
    found = b""
    while length := data[at]:
        found += data[at + 1 : at + 1 + length]
        at += 1 + length
    return found, at + 1


def _inflate(coded: bytes, bits: int) -> bytes:
    """Appendix F: variable-length LZW, the lowest bits first."""
    clear, end = 1 << bits, (1 << bits) + 1
    table, size, last, out = list[bytes](), bits + 1, b"", bytearray()
    number, have = 0, 0
    for byte in coded:
        number |= byte << have
        have += 8
        while have >= size:
            code, number, have = number & (1 << size) - 1, number >> size, have - size
            if code == end:
                return bytes(out)
            if code == clear:
                table = [bytes((value,)) for value in range(clear)] + [b"", b""]
                size, last = bits + 1, b""
                continue
            entry = table[code] if code < len(table) else last + last[:1]
            if last and len(table) < 4096:
                table.append(last + entry[:1])
            size = max(size, min(12, len(table).bit_length()))
            out += entry
            last = entry
    return bytes(out)
