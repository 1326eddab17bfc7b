"""The directories of TIFF 6.0 (section 2) and of BigTIFF: tags with their types and values.

BigTIFF (awaresystems.be, "The BigTIFF File Format") has counts and offsets of 8 bytes. What is
written is always TIFF 6.0, whose are 4.
"""

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from media_processor.errors import BrokenPicture
from media_processor.images.containers import Data

SHORT, LONG = 3, 4

_SLONG, _IFD, _LONG8, _SLONG8, _IFD8 = 9, 13, 16, 17, 18
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)
# The types that a number or an offset may have.
_LETTERS = {1: "B", SHORT: "H", LONG: "I", _IFD: "I", _LONG8: "Q", _IFD8: "Q"}
# Of BigTIFF's own types what takes their place: type, and the letters of both.
_NARROW = {_LONG8: (LONG, "Q", "I"), _SLONG8: (_SLONG, "q", "i"), _IFD8: (_IFD, "Q", "I")}
_MOST_TAGS = 1000
# Values may share their bytes, but those of a directory together have at most so many files' bytes.
_MOST_SHARED = 2


@dataclass(frozen=True)
class Tag:
    """``count`` values of type ``kind`` (section 2), as they stand in the file."""

    kind: int
    count: int
    value: bytes


class Directory(NamedTuple):
    """``link`` leads to the next one; ``lost`` are the tags that can't be read."""

    tags: dict[int, Tag]
    link: int
    lost: list[int]


class DirectoryReader:
    """Reading beyond the end of the file raises BrokenPicture. ``seen`` is where the last thing
    ends that was read."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.order = byte_order(data)
        self.seen = 0
        self.is_big = self.integer(2, 2) == 43
        self._word = 8 if self.is_big else 4

    @property
    def first(self) -> int:
        return self.integer(self._word, self._word)

    def integer(self, at: int, size: int) -> int:
        if at < 0 or at + size > len(self.data):
            raise BrokenPicture("The picture is truncated: data is missing.")
        return int.from_bytes(self.data[at : at + size], "little" if self.order == "<" else "big")

    def directory(self, at: int) -> Directory:
        head, size = (8, 20) if self.is_big else (2, 12)
        count = self.integer(at, head)
        if not 0 < count <= _MOST_TAGS:
            raise BrokenPicture("The picture's header is damaged.")
        end = at + head + size * count
        link = self.integer(end, self._word)
        self.seen = max(self.seen, end + self._word)
        tags, lost, room = {}, [], _MOST_SHARED * len(self.data)
        for entry in range(at + head, end, size):
            number, tag = self.integer(entry, 2), self._tag(entry, room)
            if tag is None:
                lost.append(number)
            else:
                tags[number] = tag
                room -= len(tag.value)
        return Directory(tags, link, lost)

    def _tag(self, entry: int, most: int) -> Tag | None:
        kind, count = self.integer(entry + 2, 2), self.integer(entry + 4, self._word)
        if kind >= len(_SIZES) or not _SIZES[kind]:
            return None
        size, place = count * _SIZES[kind], entry + 4 + self._word
        start = place if size <= self._word else self.integer(place, self._word)
        if size > most or start + size > len(self.data):
            return None
        self.seen = max(self.seen, start + size)
        return Tag(kind, count, self.data[start : start + size])

    def values(self, tags: dict[int, Tag], number: int) -> list[int]:
        return read_numbers(self.order, tags.get(number))

    def number(self, tags: dict[int, Tag], number: int, default: int = 0) -> int:
        return next(iter(self.values(tags, number)), default)

    def narrow(self, tags: dict[int, Tag]) -> dict[int, Tag]:
        """As TIFF 6.0 can have them: numbers of 8 bytes become 4, those that don't fit go."""
        narrow = {}
        for number, tag in tags.items():
            if tag.kind not in _NARROW:
                narrow[number] = tag
                continue
            kind, wide, letter = _NARROW[tag.kind]
            values = struct.unpack(f"{self.order}{tag.count}{wide}", tag.value)
            with suppress(struct.error):
                packed = struct.pack(f"{self.order}{tag.count}{letter}", *values)
                narrow[number] = Tag(kind, tag.count, packed)
        return narrow


def byte_order(data: Data) -> str:
    return "<" if data[:2] == b"II" else ">"


def read_numbers(order: str, tag: Tag | None) -> list[int]:
    """None if the tag is missing or of a type that isn't one of whole numbers."""
    if tag is None or tag.kind not in _LETTERS:
        return []
    return list(struct.unpack(f"{order}{tag.count}{_LETTERS[tag.kind]}", tag.value))


def numbers(order: str, kind: int, *values: int) -> Tag:
    packed = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
    return Tag(kind, len(values), packed)


def write_directory(out: bytearray, order: str, tags: dict[int, Tag]) -> tuple[int, int]:
    """Returns its start and where its link lies."""
    entries = bytearray()
    for number, tag in sorted(tags.items()):
        value = tag.value.ljust(4, b"\0")
        if len(value) > 4:
            out += bytes(len(out) % 2)
            value = struct.pack(order + "I", len(out))
            out += tag.value
        entries += struct.pack(order + "HHI", number, tag.kind, tag.count) + value
    out += bytes(len(out) % 2)
    start = len(out)
    out += struct.pack(order + "H", len(tags)) + entries + bytes(4)
    return start, len(out) - 4
