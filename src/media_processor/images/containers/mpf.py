"""MPF (CIPA DC-007): the index, in a JPEG's APP2, of all pictures in the file.

Behind ``MPF\\0`` it is a TIFF structure whose IFD lists the pictures, 16 bytes each
(5.2.3.3): attributes, size, offset from the TIFF header (0 for the first), and the numbers,
from 1, of two pictures that depend on it.
"""

import struct
from typing import NamedTuple

from media_processor.images.exif import Tiff

MARK = b"MPF\0"
_NUMBER, _ENTRIES = 0xB001, 0xB002
_ENTRY_BYTES = 16
_PRIMARY = 0x030000
_MOST = 100  # a panorama has a dozen

Range = tuple[int, int]


class Index(NamedTuple):
    """``payload`` as it stands in the file, without MARK; ``pictures`` lie at these places in the
    file, the first one's being (0, its size)."""

    payload: bytes
    pictures: list[Range]


def read(payload: bytes, base: int) -> Index | None:
    """``base`` is where the payload begins in the file. Nothing if it is damaged."""
    try:
        tiff = Tiff(payload)
        start, stop = _entries(tiff)
        places: list[Range] = []
        for at in range(start, stop - _ENTRY_BYTES + 1, _ENTRY_BYTES)[:_MOST]:
            size, offset = struct.unpack_from(tiff.order + "II", tiff.data, at + 4)
            begin = base + offset if places else 0
            places.append((begin, begin + size))
    except (ValueError, struct.error):
        return None
    return Index(payload, places)


def new() -> Index:
    """Of a picture and a gain map, their places still unknown."""
    head = struct.pack(">2sHIH", b"MM", 42, 8, 3)
    entries = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100")
    entries += struct.pack(">HHII", _NUMBER, 4, 1, 2)
    entries += struct.pack(">HHII", _ENTRIES, 7, 2 * _ENTRY_BYTES, len(head) + 36 + 4)
    first = struct.pack(">IIIHH", _PRIMARY, 0, 0, 0, 0)
    return Index(head + entries + bytes(4) + first + bytes(_ENTRY_BYTES), [(0, 0), (0, 0)])


def write(index: Index, kept: list[int], places: list[Range], base: int) -> bytes:
    """The payload for a file with the pictures ``kept`` (numbers from 0) alone, at ``places``,
    and itself at ``base``. It has the same length."""
    tiff = Tiff(index.payload)
    start, stop = _entries(tiff)
    entries = []
    for number, (begin, end) in zip(kept, places, strict=True):
        at = start + _ENTRY_BYTES * number
        attributes, _, _, *others = struct.unpack_from(tiff.order + "IIIHH", tiff.data, at)
        others = [kept.index(n - 1) + 1 if n - 1 in kept else 0 for n in others]
        offset = begin - base if begin else 0
        entries.append(struct.pack(tiff.order + "IIIHH", attributes, end - begin, offset, *others))
    tiff.data[start:stop] = b"".join(entries).ljust(stop - start, b"\0")
    number_entry, list_entry = (tiff.find(tiff.main(), tag) for tag in (_NUMBER, _ENTRIES))
    if number_entry:
        struct.pack_into(tiff.order + "I", tiff.data, number_entry.at, len(kept))
    if list_entry:
        size = _ENTRY_BYTES * len(kept)
        struct.pack_into(tiff.order + "I", tiff.data, list_entry.at - 4, size)
    return bytes(tiff.data)


def _entries(tiff: Tiff) -> Range:
    entry = tiff.find(tiff.main(), _ENTRIES)
    if entry is None:
        raise ValueError("no list of pictures")
    return tiff.value(entry)
