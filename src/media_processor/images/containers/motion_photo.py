"""The video of a motion photo, an MP4 behind a JPEG, and what its maker puts around it.

XMP says where it begins (Motion Photo format 1.0; MicroVideo before). Samsung has it in a block
of its SEF trailer: blocks with a type and a name, then a directory that counts back from its own
beginning to each (as exiftool's Samsung.pm reads it). Huawei and Honor have texts of 20
characters behind it, the last of them ``LIVE_`` and how far to go back.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from media_processor.images.containers import Data

Range = tuple[int, int]

_VIDEO = b"MotionPhoto_Data"
_OF_THE_VIDEO = b"MotionPhoto_"  # Version, AutoPlay
_MOST_OF_OTHERS = 1000
_MOST_BOXES = 1000  # a phone's video has five
_NEAR_END = 100
_MOST_OF_A_DIRECTORY = 1 << 16
_LONGEST_NAME = 100
_LIVE = re.compile(rb"LIVE_(\d{1,12})[ \0]*\Z")
_TEXTS = re.compile(rb"[ -~\0]*\Z")


@dataclass(frozen=True)
class Clip:
    """``place`` is the MP4's; ``before`` and ``after`` are written around it. ``known`` is all that
    was found, ``lost`` are the names of Samsung's blocks that don't stay. ``is_promised`` if a
    trailer says that there is a video."""

    place: Range | None = None
    before: bytes = b""
    after: bytes = b""
    known: tuple[Range, ...] = ()
    lost: tuple[bytes, ...] = ()
    is_promised: bool = False


class _Block(NamedTuple):
    kind: int
    name: bytes
    start: int
    content: int
    end: int


class _Sef(NamedTuple):
    version: int
    blocks: list[_Block]
    directory: Range


def find(data: Data, named: Iterator[int]) -> Clip:
    """``named`` is where it may begin as XMP says."""
    sef = _sef(data)
    block = next((each for each in sef.blocks if each.name == _VIDEO), None) if sef else None
    live = _LIVE.search(data, max(0, len(data) - _NEAR_END))
    starts = [block.content] if block else []
    place = _first_video(data, chain(starts, named, _of_huawei(len(data), live)))
    if sef:
        return _of_samsung(data, sef, block, place)
    after = b""
    if live and place and len(data) - place[1] <= _NEAR_END:
        after = data[place[1] :] if _TEXTS.match(data, place[1]) else b""
    known = ((place[0], place[1] + len(after)),) if place else ()
    return Clip(place, after=after, known=known, is_promised=bool(live))


def _first_video(data: Data, starts: Iterator[int]) -> Range | None:
    for start in starts:
        if start > 0 and data[start + 4 : start + 8] == b"ftyp":
            stop = _boxes_end(data, start)
            if stop > start:
                return start, stop
    return None


def _boxes_end(data: Data, at: int) -> int:
    """Where the last whole box ends (ISO/IEC 14496-12, 4.2)."""
    for _ in range(_MOST_BOXES):
        size, name, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        elif size == 0:
            size = len(data) - at
        if size < head or at + size > len(data) or not (name.isascii() and name.isalnum()):
            break
        at += size
    return at


def _of_huawei(end: int, live: re.Match[bytes] | None) -> Iterator[int]:
    """Counted from the first of the texts, of which there are one to three, or from the end."""
    if live:
        for texts in range(4):
            yield end - 20 * texts - int(live[1])


def _sef(data: Data) -> _Sef | None:
    end = data.rfind(b"SEFT", max(0, len(data) - _NEAR_END))
    if end < 0:
        return None
    size = int.from_bytes(data[end - 4 : end], "little")
    start = end - 4 - size
    if start < 0 or not 12 <= size < _MOST_OF_A_DIRECTORY or data[start : start + 4] != b"SEFH":
        return None
    version, count = struct.unpack_from("<II", data, start + 4)
    blocks = []
    for at in range(start + 12, start + 12 + 12 * min(count, (size - 12) // 12), 12):
        _, kind, back, length = struct.unpack_from("<HHII", data, at)
        begin = start - back
        if begin <= 0 or data[begin : begin + 4] != data[at : at + 4]:
            continue
        content = begin + 8 + int.from_bytes(data[begin + 4 : begin + 8], "little")
        if content <= begin + length <= start and content - begin <= _LONGEST_NAME:
            blocks.append(_Block(kind, data[begin + 8 : content], begin, content, begin + length))
    return _Sef(version, blocks, (start, end + 4))


def _of_samsung(data: Data, sef: _Sef, block: _Block | None, place: Range | None) -> Clip:
    ends = {block.start: place[1]} if block and place else {}
    known = [(each.start, ends.get(each.start, each.end)) for each in sef.blocks]
    known.append(sef.directory)
    if not (block and place and place[0] == block.content):
        known += [place] if place else []
        names = tuple(each.name for each in sef.blocks if each != block)
        return Clip(place, known=tuple(known), lost=names, is_promised=bool(block))
    kept = [each for each in sef.blocks if each != block and _belongs_to_the_video(each)]
    lost = tuple(each.name for each in sef.blocks if each not in kept and each != block)
    pieces = [data[each.start : each.end] for each in kept]
    pieces.append(data[block.start : block.content])
    lengths = [*map(len, pieces[:-1]), len(pieces[-1]) + place[1] - place[0]]
    entries = []
    for number, each in enumerate([*kept, block]):
        entries.append(struct.pack("<HHII", 0, each.kind, sum(lengths[number:]), lengths[number]))
    directory = struct.pack("<4sII", b"SEFH", sef.version, len(entries)) + b"".join(entries)
    after = directory + struct.pack("<I4s", len(directory), b"SEFT")
    return Clip(place, b"".join(pieces), after, tuple(known), lost, is_promised=True)


def _belongs_to_the_video(block: _Block) -> bool:
    return block.name.startswith(_OF_THE_VIDEO) and block.end - block.content <= _MOST_OF_OTHERS
