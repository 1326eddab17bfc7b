"""GIF (CompuServe, GIF89a): a canvas, then frames with an optional palette of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media_processor.errors import BrokenPicture, ImageBomb
from media_processor.images.containers import Data
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import (
    CREDENTIALS,
    SECOND,
    Comment,
    Metadata,
    note_parts,
    note_trailer,
)
from media_processor.limits import Limits

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_XMP, _ICC, _CREDENTIALS = b"XMP DataXMP", b"ICCRGBG1012", b"C2PA_GIF\1\0\0"
# Read as sub-blocks, an XMP packet ends well because these follow it (XMP part 3, 1.1.2).
_XMP_END = bytes((1, *range(255, -1, -1), 0))

_TITLES = {_XMP: "XMP", _ICC: "colour profile"}
_COMMON = {b"01": "plain text"}
END = b";"
_CUT = "the file's end was missing"
_MOST_SUB_BLOCKS = 500_000  # 50 MB have 200,000 of full length


@dataclass(frozen=True)
class Frame:
    """Place in pixels, ``palette`` of its own or ``b""``, ``delay`` in 1/100 s, ``disposal``
    0 to 7, the index that is ``transparent``, and where its coded pixels lie."""

    left: int
    top: int
    width: int
    height: int
    palette: bytes
    interlaced: bool
    delay: int
    disposal: int
    transparent: int | None
    pixels: bytes


@dataclass(frozen=True)
class Gif:
    """``screen`` is the logical screen descriptor, ``palette`` the global one or ``b""``,
    ``loop`` the extension that says how often it plays, as it stands in the file."""

    screen: bytes
    palette: bytes
    loop: bytes
    frames: tuple[Frame, ...]
    metadata: Metadata

    @property
    def size(self) -> tuple[int, int]:
        """The screen's. As in browsers, only the first frame makes it larger if it reaches
        beyond; what others draw there isn't seen."""
        width, height = (int.from_bytes(self.screen[at : at + 2], "little") for at in (0, 2))
        first = self.frames[0]
        return max(width, first.left + first.width), max(height, first.top + first.height)


def read_info(data: Data, limits: Limits) -> PictureInfo:
    found = read(data, limits, with_pixels=False)
    limits.check_pixels(
        sum(frame.width * frame.height for frame in found.frames), f"{len(found.frames)} frames"
    )
    return PictureInfo("GIF", *found.size, 1, len(found.frames))


def read(data: Data, limits: Limits, *, with_pixels: bool = True) -> Gif:
    screen = data[6:13]
    if len(screen) < 7:
        raise BrokenPicture("The picture is truncated: its header is incomplete.")
    palette, at = _palette(data, screen[4], 13)
    frames: list[Frame] = []
    loop, found = b"", {_XMP: b"", _ICC: b""}
    seconds: tuple[str, ...] = ()
    comments: list[Comment] = []
    unknown: list[bytes] = []
    control = bytes(4)
    blocks = _Blocks(data)
    while (kind := data[at : at + 1]) and kind[0] != _TRAILER:
        if kind[0] == _IMAGE:
            frame, at = _frame(blocks, at, control, with_pixels=with_pixels)
            frames.append(frame)
            limits.check_frames(len(frames))
            control = bytes(4)
        elif kind[0] == _EXTENSION:
            label, start = data[at + 1], at + 2
            at = blocks.end(start)
            if label == _CONTROL:
                control = data[start + 1 : start + 5]
            elif label == _COMMENT:
                content = b"".join(blocks.payloads(data[start:at]))
                comments.append(Comment(content, content))
            elif label != _APPLICATION:
                unknown.append(b"%02x" % label)
            elif (name := data[start + 1 : start + 1 + data[start]]) in _LOOPS:
                loop = data[start - 2 : at]
            elif name in found:
                seconds += (SECOND[_TITLES[name]],) if found[name] else ()
                found[name] = data[start + 12 : at]
            else:
                unknown.append(name)
        elif frames:
            break  # as browsers have it: there the picture ends
        else:
            raise BrokenPicture("The picture is damaged: it has a block of an unknown type.")
    if not frames:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    icc, packet = b"".join(blocks.payloads(found[_ICC])), _packet(blocks, found[_XMP])
    limits.check_metadata("colour profile", len(icc))
    limits.check_metadata("XMP", len(packet))
    dropped = (CREDENTIALS, *seconds) if _CREDENTIALS in unknown else seconds
    dropped += note_parts("extensions", (name for name in unknown if name != _CREDENTIALS), _COMMON)
    dropped += note_trailer(data[at + (kind == bytes((_TRAILER,))) :])
    return Gif(
        screen,
        palette,
        loop if len(loop) < 100 else b"",
        tuple(frames),
        Metadata(
            icc=icc,
            xmp=packet,
            comments=tuple(comments),
            notes=(*dropped, *[_CUT][: blocks.is_cut]),
        ),
    )


def read_metadata(data: Data, limits: Limits) -> Metadata:
    return read(data, limits, with_pixels=False).metadata


def write(gif: Gif, kept: Metadata) -> bytes:
    pieces = [b"GIF89a", gif.screen, gif.palette, gif.loop]
    if kept.icc:
        pieces.append(bytes((_EXTENSION, _APPLICATION, 11)) + _ICC + _sub_blocks(kept.icc))
    if kept.xmp:
        # A null would end the packet for whoever passes over it as sub-blocks.
        packet = kept.xmp + _XMP_END if b"\0" not in kept.xmp else _sub_blocks(kept.xmp)
        pieces.append(bytes((_EXTENSION, _APPLICATION, 11)) + _XMP + packet)
    comment = bytes((_EXTENSION, _COMMENT))
    pieces += [comment + _sub_blocks(text.stored) for text in kept.comments]
    for frame in gif.frames:
        clear = 0 if frame.transparent is None else frame.transparent
        flags = frame.disposal << 2 | (frame.transparent is not None)
        pieces.append(bytes((_EXTENSION, _CONTROL, 4, flags)))
        pieces.append(frame.delay.to_bytes(2, "little") + bytes((clear, 0)))
        place = (frame.left, frame.top, frame.width, frame.height)
        pieces.append(bytes((_IMAGE,)) + b"".join(n.to_bytes(2, "little") for n in place))
        own = 0x80 | (len(frame.palette) // 3).bit_length() - 2 if frame.palette else 0
        pieces.append(bytes((own | (0x40 if frame.interlaced else 0),)))
        pieces += [frame.palette, frame.pixels]
    return b"".join([*pieces, bytes((_TRAILER,))])


def still(frame: Frame) -> bytes:
    """A GIF of one frame alone, for a decoder; without a palette, so of bare indices."""
    size = b"".join(side.to_bytes(2, "little") for side in (frame.width, frame.height))
    descriptor = bytes((_IMAGE,)) + bytes(4) + size + bytes((0x40 if frame.interlaced else 0,))
    return b"".join([b"GIF89a", size, bytes(3), descriptor, frame.pixels, END])


def pixels(picture: bytes) -> bytes:
    return read(picture, Limits()).frames[0].pixels


def pad_palette(colours: Sequence[tuple[int, int, int]]) -> bytes:
    # GIF's palettes have a power of 2 as their length, 2 to 256.
    size = 2 << max(0, (len(colours) - 1).bit_length() - 1)
    return bytes(value for colour in colours for value in colour).ljust(3 * size, b"\0")


class _Blocks:
    """Walks sub-blocks: a length, so many bytes, until a length of 0."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.is_cut = False
        self._left = _MOST_SUB_BLOCKS

    def end(self, at: int) -> int:
        data, size = self.data, len(self.data)
        while at < size:
            length = data[at]
            at += 1 + length
            if not length:
                return at
            self._left -= 1
            if not self._left:
                raise ImageBomb("The GIF has more blocks than any real picture.")
        self.is_cut = at == size  # only the terminator is missing; decoders don't need it
        if self.is_cut:
            return at
        raise BrokenPicture("The picture is truncated: data is missing.")

    def payloads(self, blocks: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(blocks) and blocks[at]:
            yield blocks[at + 1 : at + 1 + blocks[at]]
            at += 1 + blocks[at]


def _palette(data: Data, flags: int, at: int) -> tuple[bytes, int]:
    size = 3 << (flags & 7) + 1 if flags & 0x80 else 0
    if at + size > len(data):
        raise BrokenPicture("The picture is truncated: data is missing.")
    return data[at : at + size], at + size


def _frame(blocks: _Blocks, at: int, control: bytes, *, with_pixels: bool) -> tuple[Frame, int]:
    data = blocks.data
    head = data[at + 1 : at + 10]
    if len(head) < 9 or len(control) < 4:
        raise BrokenPicture("The picture is truncated: data is missing.")
    left, top, width, height = (int.from_bytes(head[n : n + 2], "little") for n in range(0, 8, 2))
    if not width or not height:
        raise BrokenPicture("The picture's header is damaged.")
    palette, start = _palette(data, head[8], at + 10)
    end = blocks.end(start + 1)
    frame = Frame(
        left,
        top,
        width,
        height,
        palette,
        interlaced=bool(head[8] & 0x40),
        delay=int.from_bytes(control[1:3], "little"),
        disposal=control[0] >> 2 & 7,
        transparent=control[3] if control[0] & 1 else None,
        pixels=data[start:end] + bytes(blocks.is_cut) if with_pixels else b"",
    )
    return frame, end


def _packet(blocks: _Blocks, xmp: bytes) -> bytes:
    if xmp.endswith(_XMP_END):
        return xmp.removesuffix(_XMP_END)
    if xmp[1:].startswith((b"<", b"\xef\xbb\xbf<")):  # some write it as ordinary sub-blocks
        return b"".join(blocks.payloads(xmp))
    return xmp.partition(b"\xff")[0].rstrip(b"\1")  # another end than the standard's


def _sub_blocks(payload: bytes) -> bytes:
    pieces = (payload[at : at + 255] for at in range(0, len(payload), 255))
    return b"".join([*(bytes((len(piece),)) + piece for piece in pieces), b"\0"])
