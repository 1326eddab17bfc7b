"""Colours of an AVIF or HEIF that are described by numbers (``colr`` nclx, 14496-12, 12.1.5)."""

import struct
from collections.abc import Iterator

from media_processor.images.containers import Data
from media_processor.images.containers.isobmff import FileBox, boxes

# ITU-T H.273, tables 2 and 3: BT.709 or unspecified; BT.709, unspecified, BT.601, sRGB, BT.2020.
_USUAL_PRIMARIES, _USUAL_TRANSFERS = (1, 2), (1, 2, 6, 13, 14, 15)
_BYTES = 11


def unusual(data: Data) -> tuple[int, int] | None:
    """Primaries and transfer of colours that are neither sRGB's nor an ICC profile's."""
    place = _place(data)
    if place is None:
        return None
    primaries, transfer = struct.unpack_from(">HH", data, place)
    usual = primaries in _USUAL_PRIMARIES and transfer in _USUAL_TRANSFERS
    return None if usual else (primaries, transfer)


def replace(data: bytes, primaries: int, transfer: int) -> bytes:
    place = _place(data)
    if place is None:
        return data
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


def _place(data: Data) -> int | None:
    """Where the numbers begin, unless an ICC profile stands for them."""
    found = None
    for box in _properties(data):
        if box.name == b"colr":
            if data[box.start : box.start + 4] != b"nclx":
                return None
            found = box.start + 4 if box.end - box.start >= _BYTES else found
    return found


def _properties(data: Data) -> Iterator[FileBox]:
    inside = [(0, len(data))]
    while inside:
        for box in boxes(data, *inside.pop()):
            if box.name == b"ipco":
                yield from boxes(data, box.start, box.end)
            elif box.name in (b"meta", b"iprp"):
                inside.append((box.start + (4 if box.name == b"meta" else 0), box.end))
