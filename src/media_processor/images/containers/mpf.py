"""MPF (CIPA DC-007): the index, in a JPEG's APP2, of all pictures in the file.

Behind ``MPF\\0`` it is a TIFF structure whose IFD lists the pictures, 16 bytes each
(5.2.3.3): attributes, size, offset from the TIFF header (0 for the first), and the numbers,
from 1, of two pictures that depend on it.
"""

import struct
from typing import NamedTuple

from media_processor.images.exif import Tiff

MARK = b"MPF\0"
_VERSION, _NUMBER, _ENTRIES = 0xB000, 0xB001, 0xB002
_LONG, _UNDEFINED = 4, 7
_ENTRY_BYTES = 16
_PRIMARY = 0x030000
_MOST = 100  # a panorama has a dozen

Range = tuple[int, int]


class Picture(NamedTuple):
    """``place`` is where it lies in the file, ``others`` are the numbers of those that depend on
    it."""

    attributes: int
    place: Range
    others: tuple[int, int] = (0, 0)


WITH_GAIN_MAP = (Picture(_PRIMARY, (0, 0)), Picture(0, (0, 0)))
"""Of a file that had no index."""


def read(payload: bytes, base: int) -> list[Picture]:
    """``payload``, without MARK, begins at ``base`` in the file. Nothing if it is damaged."""
    try:
        tiff = Tiff(payload)
        entry = tiff.find(tiff.main(), _ENTRIES)
        start, stop = tiff.value(entry) if entry else (0, 0)
        pictures: list[Picture] = []
        for at in range(start, stop - _ENTRY_BYTES + 1, _ENTRY_BYTES)[:_MOST]:
            attributes, size, offset, *others = struct.unpack_from(
                tiff.order + "IIIHH", tiff.data, at
            )
            begin = base + offset if pictures else 0
            pictures.append(Picture(attributes, (begin, begin + size), (others[0], others[1])))
    except (ValueError, struct.error):
        return []
    return pictures


def size(pictures: list[Picture]) -> int:
    return len(write(pictures, 0))


def write(pictures: list[Picture], base: int) -> bytes:
    """The payload, which begins at ``base``. Its length depends on their number alone."""
    length = _ENTRY_BYTES * len(pictures)
    head = struct.pack(">2sHIH", b"MM", 42, 8, 3)
    head += struct.pack(">HHI4s", _VERSION, _UNDEFINED, 4, b"0100")
    head += struct.pack(">HHII", _NUMBER, _LONG, 1, len(pictures))
    head += struct.pack(">HHII", _ENTRIES, _UNDEFINED, length, len(head) + 12 + 4)
    entries = []
    for attributes, (begin, end), others in pictures:
        offset = begin - base if begin else 0
        entries.append(struct.pack(">IIIHH", attributes, end - begin, offset, *others))
    return b"".join([head, bytes(4), *entries])


def chosen(pictures: list[Picture], numbers: list[int]) -> list[Picture]:
    """Those of these numbers, from 0, alone."""
    places = {number + 1: place for place, number in enumerate(numbers, start=1)}
    found = []
    for number in numbers:
        first, second = pictures[number].others
        others = places.get(first, 0), places.get(second, 0)
        found.append(pictures[number]._replace(others=others))
    return found
