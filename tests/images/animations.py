"""Animations written byte by byte, with what no encoder at hand writes."""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from PIL import Image

from .pictures import encoded, png_chunk

Size = tuple[int, int]


@dataclass
class Frame:
    """``rows`` are samples as PNG or GIF has them, one byte each unless ``bits`` says less or
    more; ``dispose`` is the format's own number."""

    left: int
    top: int
    size: Size
    samples: bytes
    dispose: int = 0
    over: bool = False
    clear: int | None = None
    palette: bytes = b""


def noise(random: Random, size: Size, values: Iterable[int], channels: int = 1) -> bytes:
    """Lumps of 4 x 4 pixels."""
    width, height = size
    pick = list(values)
    rows = []
    for _ in range(0, height, 4):
        row = b"".join(
            bytes(random.choice(pick) for _ in range(channels)) * 4 for _ in range(0, width, 4)
        )[: width * channels]
        rows += [row] * 4
    return b"".join(rows[:height])


def apng(
    size: Size,
    frames: list[Frame],
    *,
    kind: int = 6,
    palette: bytes = b"",
    clear: bytes = b"",
    still: bytes | None = None,
    pieces: int = 1,
    depth: int = 8,
) -> bytes:
    """Of colour type ``kind``; ``still`` are the samples of a picture that isn't a frame; each
    frame but the first is spread over so many ``pieces``, its fdAT."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind] * depth // 8
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0))]
    chunks += [(b"PLTE", palette)] if palette else []
    chunks += [(b"tRNS", clear)] if clear else []
    chunks.append((b"acTL", struct.pack(">II", len(frames), 0)))
    if still is not None:
        chunks.append((b"IDAT", _packed(still, size[0] * channels)))
    number = 0
    for at, frame in enumerate(frames):
        place = (*frame.size, frame.left, frame.top)
        flags = (1, 10, frame.dispose, int(frame.over))
        chunks.append((b"fcTL", struct.pack(">IIIIIHHBB", number, *place, *flags)))
        number += 1
        packed = _packed(frame.samples, frame.size[0] * channels)
        if at == 0 and still is None:
            chunks.append((b"IDAT", packed))
            continue
        length = -(-len(packed) // pieces)
        for start in range(0, len(packed), length):
            piece = packed[start : start + length]
            chunks.append((b"fdAT", struct.pack(">I", number) + piece))
            number += 1
    chunks.append((b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def _packed(samples: bytes, row: int) -> bytes:
    lines = (b"\0" + samples[at : at + row] for at in range(0, len(samples), row))
    return zlib.compress(b"".join(lines))


def gif(size: Size, frames: list[Frame], *, palette: bytes = b"", extensions: bytes = b"") -> bytes:
    """``palette`` has 256 colours."""
    out = [b"GIF89a", struct.pack("<HHBBB", *size, 0xF7 if palette else 0, 0, 0), palette]
    out += [b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", extensions]
    for frame in frames:
        flags = frame.dispose << 2 | (frame.clear is not None)
        out.append(struct.pack("<BBBBHBB", 0x21, 0xF9, 4, flags, 7, frame.clear or 0, 0))
        own = 0x87 if frame.palette else 0
        out.append(struct.pack("<BHHHHB", 0x2C, frame.left, frame.top, *frame.size, own))
        out += [frame.palette, b"\x08", *_sub_blocks(_codes(frame.samples))]
    return b"".join([*out, b";"])


def _codes(samples: bytes) -> bytes:
    # 9 bits each, the table being cleared before they would need 10.
    codes = []
    for at, value in enumerate(samples):
        codes += [256, value] if at % 200 == 0 else [value]
    number = sum(code << 9 * at for at, code in enumerate([*codes, 257]))
    return number.to_bytes((len(codes) + 1) * 9 // 8 + 1, "little")


def _sub_blocks(payload: bytes) -> list[bytes]:
    pieces = (payload[at : at + 255] for at in range(0, len(payload), 255))
    return [*(bytes((len(piece),)) + piece for piece in pieces), b"\0"]


def colours(random: Random, number: int) -> bytes:
    return random.randbytes(3 * number).ljust(768, b"\0")


def webp(size: Size, frames: list[Frame]) -> bytes:
    """Lossless; samples are RGBA, places even."""
    parts = [(b"VP8X", bytes((0x12, 0, 0, 0)) + _sides(size)), (b"ANIM", bytes(6))]
    for frame in frames:
        image = Image.frombytes("RGBA", frame.size, frame.samples)
        coded = encoded(image, "WEBP", lossless=True, exact=True)
        at = coded.index(b"VP8L")
        place = b"".join((side // 2).to_bytes(3, "little") for side in (frame.left, frame.top))
        flags = bytes((2 * (not frame.over) | frame.dispose,))
        time = (70).to_bytes(3, "little")
        parts.append((b"ANMF", place + _sides(frame.size) + time + flags + coded[at:]))
    body = b"WEBP" + b"".join(
        name + len(payload).to_bytes(4, "little") + payload + bytes(len(payload) % 2)
        for name, payload in parts
    )
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _sides(size: Size) -> bytes:
    return b"".join((side - 1).to_bytes(3, "little") for side in size)
