"""Boxes (ISO/IEC 14496-12, 4.2), of which AVIF, HEIF and MP4 consist: a length, a name, content."""

from collections.abc import Iterator
from typing import NamedTuple

from media_processor.errors import BrokenPicture, ImageBomb
from media_processor.images.containers import Data

MOST = 20_000  # a phone's picture of 48 tiles has some 200


class FileBox(NamedTuple):
    """``data[start:end]`` is the content."""

    name: bytes
    start: int
    end: int


def boxes(data: Data, at: int, end: int) -> Iterator[FileBox]:
    # What is no box may follow those of a file.
    is_file = at == 0
    for _ in range(MOST):
        if at + 8 > end:
            return
        size, name, head = number(data, at, 4), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = number(data, at + 8, 8), 16
        elif size == 0:
            size = end - at
        if is_file and not name.isalnum():
            return
        if size < head or at + size > end:
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield FileBox(name, at + head, at + size)
        at += size
    raise ImageBomb("The file has more boxes than any real picture.")


def only(found: Iterator[FileBox], name: bytes) -> FileBox:
    for box in found:
        if box.name == name:
            return box
    raise BrokenPicture("The picture is truncated: it has no pixel data.")


def number(data: Data, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size])
