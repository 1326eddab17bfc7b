"""Colours of an AVIF or HEIF that are described by numbers (``colr`` nclx, 14496-12, 12.1.5)."""

import struct
from collections.abc import Iterator

from media_processor.images.containers import Data, tracks
from media_processor.images.containers.boxes import FileBox
from media_processor.images.containers.items import items_of

# ITU-T H.273, tables 2 and 3: BT.709 or unspecified; BT.709, unspecified, BT.601, sRGB, BT.2020.
BT709, UNSPECIFIED, BT2020, DISPLAY_P3 = 1, 2, 9, 12
_USUAL_PRIMARIES, _USUAL_TRANSFERS = (BT709, UNSPECIFIED), (1, 2, 6, 13, 14, 15)
_BYTES = 11
# Red in D50, X and Y, as profiles have it.
_REDS = {BT709: (0.436, 0.222), DISPLAY_P3: (0.515, 0.241), BT2020: (0.673, 0.279)}


def unusual(data: Data) -> tuple[int, int] | None:
    """Primaries and transfer of colours that aren't sRGB's. If there is an ICC profile, too, that
    counts (23008-12, 6.5.5.1)."""
    places = _places(data)
    if not places:
        return None
    primaries, transfer = struct.unpack_from(">HH", data, places[-1])
    usual = primaries in _USUAL_PRIMARIES and transfer in _USUAL_TRANSFERS
    return None if usual else (primaries, transfer)


def primaries(data: Data) -> int:
    places = _places(data)
    return int.from_bytes(data[places[-1] : places[-1] + 2]) if places else BT709


def primaries_of_profile(icc: bytes) -> int:
    """By its tag ``rXYZ`` (ICC.1, 9.2.44)."""
    at = icc.find(b"rXYZ", 128, 2000)
    place = int.from_bytes(icc[at + 4 : at + 8])
    if at < 0 or len(icc) < place + 16:
        return UNSPECIFIED
    red = [each / 65536 for each in struct.unpack_from(">ii", icc, place + 8)]
    for number, known in _REDS.items():
        if all(abs(one - other) < 0.003 for one, other in zip(red, known, strict=True)):
            return number
    return UNSPECIFIED


def replace(data: bytes, primaries: int, transfer: int) -> bytes:
    changed = bytearray(data)
    for place in _places(data):
        struct.pack_into(">HH", changed, place, primaries, transfer)
    return bytes(changed)


def _places(data: Data) -> list[int]:
    """Where the numbers begin."""
    return [
        box.start + 4
        for box in _of_picture(data)
        if data[box.start : box.start + 4] == b"nclx" and box.end - box.start >= _BYTES
    ]


def _of_picture(data: Data) -> Iterator[FileBox]:
    """Not of other items, such as a gain map."""
    if items := items_of(data):
        yield from (each for each in items.properties(items.primary) if each.name == b"colr")
    yield from (box for box in tracks.picture_properties(data) if box.name == b"colr")
