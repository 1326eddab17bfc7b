"""Writes EXIF anew, smaller, where a format has no room for all of it."""

import struct
from dataclasses import dataclass

from media_processor.images.exif import (
    EXIF_IFD,
    GPS_IFD,
    INTEROPERABILITY_IFD,
    MAKER_NOTE_TAG,
    PREFIX,
    Cleaned,
    Tiff,
)

_LONG = 4
_HEADER = 8
_SUB_IFDS = 0x014A
_LARGEST = "the largest values of EXIF were dropped: it is too large for this format"
_POINTERS = {EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD, _SUB_IFDS}


@dataclass(frozen=True)
class _Value:
    tag: int
    kind: int
    count: int
    payload: bytes

    @property
    def size(self) -> int:
        # Behind the directory; what fits into its entry takes no room.
        return 0 if len(self.payload) <= 4 else len(self.payload) + len(self.payload) % 2


def fit(exif: bytes, most: int) -> Cleaned:
    """The payload in at most ``most`` bytes. Where it is larger it is written anew, without the
    maker note, whose offsets wouldn't be right any more, and then without the largest values."""
    if len(exif) <= most:
        return Cleaned(exif)
    try:
        tiff = Tiff(exif.removeprefix(PREFIX))
        content = {tag: _read(tiff, ifd) for tag, ifd in tiff.directories().items()}
    except (ValueError, struct.error):
        return Cleaned(b"", ("EXIF was dropped: it is too large for this format",))
    for tag in content:
        if tag:
            content[_parent(tag)][tag] = _Value(tag, _LONG, 1, bytes(4))
    removed = [values.pop(MAKER_NOTE_TAG, None) for values in content.values()]
    note = ("the camera's maker note was dropped: EXIF is too large for this format",)
    notes = note if any(removed) else ()
    while _size(content) > most:
        directory, tag = max(
            ((directory, tag) for directory, values in content.items() for tag in values),
            key=lambda place: content[place[0]][place[1]].size,
        )
        del content[directory][tag]
        notes = tuple(dict.fromkeys((*notes, _LARGEST)))
    return Cleaned(_write(tiff.order, content), notes)


def _read(tiff: Tiff, ifd: int) -> dict[int, _Value]:
    found = {}
    for entry in tiff.entries(ifd):
        try:
            start, stop = tiff.value(entry)
        except ValueError:
            continue
        if stop > start and entry.tag not in _POINTERS:
            payload = bytes(tiff.data[start:stop])
            found[entry.tag] = _Value(entry.tag, entry.kind, entry.length, payload)
    return found


def _parent(tag: int) -> int:
    return EXIF_IFD if tag == INTEROPERABILITY_IFD else 0


def _size(content: dict[int, dict[int, _Value]]) -> int:
    directories = (6 + 12 * len(v) + sum(x.size for x in v.values()) for v in content.values())
    return _HEADER + sum(directories)


def _write(order: str, content: dict[int, dict[int, _Value]]) -> bytes:
    # Each directory, then its values; where they begin is known beforehand.
    places, at = {}, _HEADER
    for tag, values in content.items():
        places[tag] = at
        at += _size({tag: values}) - _HEADER
    for tag in [tag for tag in content if tag]:
        pointer = struct.pack(order + "I", places[tag])
        content[_parent(tag)][tag] = _Value(tag, _LONG, 1, pointer)
    pieces = [b"II*\0" if order == "<" else b"MM\0*", struct.pack(order + "I", _HEADER)]
    pieces += [_directory(order, places[tag], values) for tag, values in content.items()]
    return b"".join(pieces)


def _directory(order: str, at: int, values: dict[int, _Value]) -> bytes:
    entries, payloads = [struct.pack(order + "H", len(values))], []
    at += 6 + 12 * len(values)
    for value in sorted(values.values(), key=lambda value: value.tag):
        head = struct.pack(order + "HHI", value.tag, value.kind, value.count)
        if value.size:
            entries.append(head + struct.pack(order + "I", at))
            payloads.append(value.payload.ljust(value.size, b"\0"))
            at += value.size
        else:
            entries.append(head + value.payload.ljust(4, b"\0"))
    return b"".join([*entries, bytes(4), *payloads])
