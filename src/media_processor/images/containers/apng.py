"""The frames of an animated PNG (W3C PNG, third edition, 11.3.6)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from media_processor.errors import BrokenPicture
from media_processor.images.containers import Data, png
from media_processor.images.geometry import Box
from media_processor.images.info import Size


@dataclass(frozen=True)
class FrameControl:
    """fcTL (11.3.6.2): the frame's place, its delay as a fraction of a second, and what
    becomes of it."""

    left: int
    top: int
    width: int
    height: int
    delay: tuple[int, int]
    dispose: int
    blend: int

    @property
    def place(self) -> Box:
        return Box(self.left, self.top, self.width, self.height)

    @property
    def payload(self) -> bytes:
        """Without the number in front."""
        numbers = (self.width, self.height, self.left, self.top)
        delay = b"".join(part.to_bytes(2) for part in self.delay)
        flags = bytes((self.dispose, self.blend))
        return b"".join(number.to_bytes(4) for number in numbers) + delay + flags

    def at(self, place: Box, *, over: bool) -> "FrameControl":
        left, top, width, height = place.left, place.top, place.width, place.height
        return FrameControl(left, top, width, height, self.delay, self.dispose, int(over))


@dataclass(frozen=True)
class Animation:
    """``frames`` with their coded pixels; ``still`` are those of a picture that isn't a frame,
    or ``b""``; ``plays`` is how often it plays, 0 for ever; ``coding`` and ``palette`` are what
    all share: the end of IHDR, and the chunks PLTE and tRNS."""

    frames: tuple[tuple[FrameControl, bytes], ...]
    still: bytes
    plays: int
    coding: bytes
    palette: bytes

    def alone(self, size: Size, coded: bytes) -> bytes:
        """A PNG of one frame, for a decoder."""
        return png.build(size, self.coding, self.palette + png.data_chunk(b"IDAT", coded))

    def pictures(self, size: Size) -> Iterator[bytes]:
        """Everything that it shows, alone."""
        if self.still:
            yield self.alone(size, self.still)
        for control, coded in self.frames:
            yield self.alone((control.width, control.height), coded)

    def write(self, size: Size) -> bytes:
        counts = len(self.frames).to_bytes(4) + self.plays.to_bytes(4)
        pieces = [self.palette, png.data_chunk(b"acTL", counts)]
        pieces += [png.data_chunk(b"IDAT", self.still)] if self.still else []
        number = 0
        for control, coded in self.frames:
            pieces.append(png.data_chunk(b"fcTL", number.to_bytes(4) + control.payload))
            number += 1
            if number == 1 and not self.still:
                pieces.append(png.data_chunk(b"IDAT", coded))
            else:
                pieces.append(png.data_chunk(b"fdAT", number.to_bytes(4) + coded))
                number += 1
        return png.build(size, self.coding, b"".join(pieces))


def animation(data: Data) -> Animation:
    """Reads acTL, every fcTL and the IDAT and fdAT that belong to it (11.3.6); IDAT before the
    first fcTL is a still picture for those who don't play animations.

    Raises BrokenPicture where a frame has no pixels or lies beyond the picture.
    """
    size = png.header(data)
    frames: list[tuple[FrameControl, list[bytes]]] = []
    still: list[bytes] = []
    plays, promised, palette = 0, 0, b""
    for chunk in png.chunks(data):
        match chunk.name:
            case b"acTL":
                promised = png.promised_frames(data, chunk)
                plays = int.from_bytes(data[chunk.start + 4 : min(chunk.end, chunk.start + 8)])
            case b"fcTL":
                frames.append((_control(data[chunk.start : chunk.end], size), []))
            case b"PLTE" | b"tRNS":
                palette += data[chunk.start - 8 : chunk.end + 4]
            case b"IDAT" if len(frames) < 2:
                (frames[0][1] if frames else still).append(data[chunk.start : chunk.end])
            case b"fdAT" if frames:  # a sequence number, then data
                frames[-1][1].append(data[chunk.start + 4 : chunk.end])
    if frames and not still:  # IDAT is as large as the picture, whatever its fcTL says
        frames[0] = (
            replace(frames[0][0], left=0, top=0, width=size.width, height=size.height),
            frames[0][1],
        )
    shown = tuple((control, b"".join(pieces)) for control, pieces in frames[:promised])
    if not shown or not all(coded for _, coded in shown):
        raise BrokenPicture("The picture's animation is damaged.")
    return Animation(shown, b"".join(still), plays, bytes(data[24:29]), palette)


def _control(payload: bytes, size: png.Header) -> FrameControl:
    width, height, left, top = (int.from_bytes(payload[at : at + 4]) for at in (4, 8, 12, 16))
    fits = 0 < width <= size.width - left and 0 < height <= size.height - top
    if len(payload) != 26 or payload[24] > 2 or not fits:
        raise BrokenPicture("The picture's animation is damaged.")
    delay = int.from_bytes(payload[20:22]), int.from_bytes(payload[22:24])
    return FrameControl(left, top, width, height, delay, payload[24], payload[25])
