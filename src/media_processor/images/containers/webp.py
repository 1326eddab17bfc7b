"""WebP (RFC 9649): RIFF chunks, little-endian, padded to an even length."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from media_processor.errors import BrokenPicture, ImageBomb
from media_processor.images import exif
from media_processor.images.containers import Data
from media_processor.images.geometry import Box
from media_processor.images.info import PictureInfo, Size
from media_processor.images.metadata import CREDENTIALS, SECOND, Metadata, note_parts, note_trailer
from media_processor.limits import Limits

_ICC_FLAG, _ALPHA_FLAG, _EXIF_FLAG, _XMP_FLAG, _ANIMATION_FLAG = 0x20, 0x10, 0x08, 0x04, 0x02
_KINDS = {b"EXIF": "EXIF", b"XMP ": "XMP", b"ICCP": "colour profile"}
_KNOWN = {*_KINDS, b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_MOST_CHUNKS = 100_000
_FRAME_HEAD = 16


class Chunk(NamedTuple):
    """``data[start:end]`` is the payload."""

    name: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Frame:
    """ANMF (section 2.7.1.1): place in pixels, for how many ``milliseconds`` it is shown, whether
    it is cleared behind and drawn over what was there; ``parts`` are its coded pixels."""

    place: Box
    milliseconds: int
    clears: bool
    blends: bool
    lossless: bool
    parts: list[tuple[bytes, bytes]]

    @property
    def coded(self) -> int:
        return sum(len(payload) for _, payload in self.parts)

    def alone(self) -> bytes:
        """A WebP of its own."""
        size = self.place.width, self.place.height
        return build(size, self.parts, Metadata(), alpha=True)

    def copy(self) -> tuple[bytes, bytes]:
        return frame(self.place, self, self.parts, over=self.blends)


def chunks(data: Data, at: int = 12, end: int | None = None) -> Iterator[Chunk]:
    end = len(data) if end is None else end
    if at == 12:
        end = min(end, 8 + int.from_bytes(data[4:8], "little"))
    for _ in range(_MOST_CHUNKS):
        if at + 8 > end:
            return
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield Chunk(data[at : at + 4], at + 8, at + 8 + size)
        at += 8 + size + size % 2
    raise ImageBomb("The WebP has more chunks than any real picture.")


def read_info(data: Data, limits: Limits) -> PictureInfo:
    size: Size | None = None
    turn, frames = 1, 0
    for chunk in chunks(data):
        if kind := _KINDS.get(chunk.name):
            limits.check_metadata(kind, chunk.end - chunk.start)
        match chunk.name:
            case b"VP8X" | b"VP8 " | b"VP8L" if size is None:
                size = size_of(chunk.name, data[chunk.start : chunk.start + 10])
            case b"ANMF":
                frames += 1
                limits.check_frames(frames)
            case b"EXIF":
                turn = exif.orientation(data[chunk.start : chunk.end])
    if size is None:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    return PictureInfo("WEBP", *size, turn, frames or 1)


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001 - as every container
    found = {chunk.name: data[chunk.start : chunk.end] for chunk in chunks(data)}
    notes: tuple[str, ...] = (CREDENTIALS,) if found.pop(b"C2PA", None) else ()
    names = [chunk.name for chunk in chunks(data)]
    notes += tuple(SECOND[kind] for name, kind in _KINDS.items() if names.count(name) > 1)
    inside = [
        part.name
        for chunk in chunks(data)
        if chunk.name == b"ANMF"
        for part in chunks(data, chunk.start + 16, chunk.end)
    ]
    notes += note_parts("chunks", (name for name in (*found, *inside) if name not in _KNOWN))
    notes += note_trailer(data[8 + int.from_bytes(data[4:8], "little") :])
    return Metadata(
        icc=found.get(b"ICCP", b""),
        exif=found.get(b"EXIF", b"").removeprefix(exif.PREFIX),
        xmp=found.get(b"XMP ", b""),
        notes=notes,
    )


def is_lossless(data: Data) -> bool:
    return any(chunk.name == b"VP8L" for chunk in chunks(data))


def strip(data: Data) -> bytes:
    kept = [
        (chunk.name, data[chunk.start : chunk.end])
        for chunk in chunks(data)
        if chunk.name not in _KINDS
    ]
    if kept and kept[0][0] == b"VP8X":
        flags = kept[0][1][0] & (_ALPHA_FLAG | _ANIMATION_FLAG)
        kept[0] = (b"VP8X", bytes((flags,)) + kept[0][1][1:])
    return _file(kept)


def pixels(picture: bytes) -> list[tuple[bytes, bytes]]:
    return _coded(picture)


def frames(data: Data) -> list[Frame]:
    found = []
    for chunk in chunks(data):
        if chunk.name == b"ANMF":
            head = data[chunk.start : chunk.start + _FRAME_HEAD]
            left, top, width, height, milliseconds = (
                int.from_bytes(head[at : at + 3], "little") for at in range(0, 15, 3)
            )
            parts = _coded(data, chunk.start + _FRAME_HEAD, chunk.end)
            # The pixels' own, as libwebp takes it, whatever the frame's header says.
            sizes = [size_of(name, pixels) for name, pixels in parts if name != b"ALPH"]
            size = sizes[0] if sizes else (width + 1, height + 1)
            found.append(
                Frame(
                    Box(left * 2, top * 2, *size),
                    milliseconds,
                    clears=bool(head[15] & 1),
                    blends=not head[15] & 2,
                    lossless=any(name == b"VP8L" for name, _ in parts),
                    parts=parts,
                )
            )
    return found


def animation(data: Data) -> bytes:
    """ANIM (section 2.7.1.1): background colour and number of loops."""
    for chunk in chunks(data):
        if chunk.name == b"ANIM" and chunk.end - chunk.start == 6:
            return data[chunk.start : chunk.end]
    return bytes(6)


def frame(
    place: Box, like: Frame, parts: list[tuple[bytes, bytes]], *, over: bool
) -> tuple[bytes, bytes]:
    """With the timing and disposal of ``like``; ``over``: drawn over what was there, not instead
    of it. ``place`` begins at even numbers."""
    numbers = (place.left // 2, place.top // 2, place.width - 1, place.height - 1)
    head = b"".join(number.to_bytes(3, "little") for number in (*numbers, like.milliseconds))
    flags = bytes((2 * (not over) | like.clears,))
    return b"ANMF", head + flags + b"".join(_chunk(*part) for part in parts)


def build(size: Size, parts: list[tuple[bytes, bytes]], kept: Metadata, *, alpha: bool) -> bytes:
    flags = (
        (_ICC_FLAG if kept.icc else 0)
        | (_ALPHA_FLAG if alpha else 0)
        | (_EXIF_FLAG if kept.exif else 0)
        | (_XMP_FLAG if kept.xmp else 0)
        | (_ANIMATION_FLAG if parts[0][0] == b"ANIM" else 0)
    )
    if not flags:
        return _file(parts)
    canvas = b"".join((side - 1).to_bytes(3, "little") for side in size)
    head = [(b"VP8X", bytes((flags, 0, 0, 0)) + canvas)]
    head += [(b"ICCP", kept.icc)] if kept.icc else []
    tail = [(b"EXIF", kept.exif)] if kept.exif else []
    tail += [(b"XMP ", kept.xmp)] if kept.xmp else []
    return _file([*head, *parts, *tail])


def _file(parts: list[tuple[bytes, bytes]]) -> bytes:
    body = b"WEBP" + b"".join(_chunk(*part) for part in parts)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunk(name: bytes, payload: bytes) -> bytes:
    return name + len(payload).to_bytes(4, "little") + payload + bytes(len(payload) % 2)


def _coded(data: Data, at: int = 12, end: int | None = None) -> list[tuple[bytes, bytes]]:
    return [
        (chunk.name, data[chunk.start : chunk.end])
        for chunk in chunks(data, at, end)
        if chunk.name in (b"VP8 ", b"VP8L", b"ALPH")
    ]


def size_of(name: bytes, head: bytes) -> Size:
    # Sections 2.5 to 2.7.
    if len(head) < (5 if name == b"VP8L" else 10):
        raise BrokenPicture("The picture is truncated: its header is incomplete.")
    width = height = 0
    if name == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (4, 7))
    elif name == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    elif name == b"VP8L" and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if not width or not height:
        raise BrokenPicture("The picture's header is damaged.")
    return width, height
