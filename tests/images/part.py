"""What a row of the second table of docs/formats.md is, and files to put a part into."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from media_processor.formats import FORMATS

from .hdr_files import with_segments
from .pictures import encoded, heic, orientation_exif, photo
from .test_kept import COLUMNS, SIZE

KINDS = [each.title for each in FORMATS]
SECRET = b"the secret words"


@dataclass(frozen=True)
class Part:
    """One row: files that have it, by format; what tells that it is there; a word of its note."""

    make: dict[str, Callable[[], bytes]]
    is_there: Callable[[bytes], bool]
    note: str = ""
    reported: frozenset[str] = frozenset()


def holds(words: bytes) -> Callable[[bytes], bool]:
    return lambda data: words in data


def of_column(name: str) -> Part:
    return Part(COLUMNS[name].make, COLUMNS[name].is_there)


MAKERS: dict[str, Callable[..., bytes]] = {
    kind: lambda kind=kind, **more: encoded(photo(SIZE), kind.upper(), **more)
    for kind in KINDS
    if kind != "HEIC"
} | {"HEIC": lambda **more: heic(photo(SIZE), **more)}


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def webp_with(name: bytes, content: bytes) -> bytes:
    data = encoded(photo(SIZE), "WEBP", exif=orientation_exif(1))
    chunk = name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)
    return data[:4] + (len(data) + len(chunk) - 8).to_bytes(4, "little") + data[8:] + chunk


def jpeg(*segments: bytes) -> bytes:
    return with_segments(encoded(photo(SIZE), "JPEG"), *segments)
