"""AVIF and HEIF files of several items, written box by box (ISO/IEC 14496-12 and 23008-12)."""

import struct
from dataclasses import dataclass, replace

from media_processor.images.containers.boxes import boxes
from media_processor.images.containers.items import Items


@dataclass(frozen=True)
class Item:
    """``properties`` are whole boxes, ``references`` the items that it speaks of."""

    kind: bytes
    content: bytes
    properties: tuple[bytes, ...] = ()
    references: tuple[tuple[bytes, tuple[int, ...]], ...] = ()
    content_type: bytes = b""
    hidden: bool = False

    def with_(self, *properties: bytes) -> "Item":
        return replace(self, properties=(*self.properties, *properties))

    def to(self, kind: bytes, *targets: int) -> "Item":
        return replace(self, references=(*self.references, (kind, targets)))


def box(name: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I4s", 8 + len(whole), name) + whole


def full(name: bytes, *content: bytes, flags: int = 0, version: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *content)


def picture(data: bytes, *without: bytes) -> Item:
    """The primary item of a file that a library wrote, less some properties."""
    meta = next(each for each in boxes(data, 0, len(data)) if each.name == b"meta")
    items = Items(data, meta)
    properties = tuple(
        box(each.name, data[each.start : each.end])
        for each in items.properties(items.primary)
        if each.name not in without
    )
    kind = items.all()[items.primary].kind
    return Item(kind, items.content(items.primary, len(data)), properties)


def nclx(primaries: int, transfer: int, matrix: int = 6) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, matrix, 0x80))


def auxiliary(kind: bytes) -> bytes:
    return full(b"auxC", kind + b"\0")


def file_of(*items: Item, brands: bytes = b"heic\0\0\0\0mif1heic", groups: bytes = b"") -> bytes:
    """Numbered from 1, which is the primary one."""
    made = _meta(items, [0] * len(items), groups)
    start = len(box(b"ftyp", brands)) + len(made) + 8
    places = []
    for item in items:
        places.append(start)
        start += len(item.content)
    content = b"".join(item.content for item in items)
    return box(b"ftyp", brands) + _meta(items, places, groups) + box(b"mdat", content)


def _meta(items: tuple[Item, ...], places: list[int], groups: bytes) -> bytes:
    listed = list(dict.fromkeys(each for item in items for each in item.properties))
    entries, where, told, refers = [], [], [], []
    for number, (item, place) in enumerate(zip(items, places, strict=True), start=1):
        more = b"\0" + (item.content_type + b"\0" if item.kind == b"mime" else b"")
        head = struct.pack(">HH4s", number, 0, item.kind)
        entries.append(full(b"infe", head, more, flags=item.hidden, version=2))
        where.append(struct.pack(">HHHII", number, 0, 1, place, len(item.content)))
        numbers = bytes(listed.index(each) + 1 for each in item.properties)
        told.append(struct.pack(">HB", number, len(numbers)) + numbers)
        for kind, targets in item.references:
            ids = struct.pack(f">HH{len(targets)}H", number, len(targets), *targets)
            refers.append(box(kind, ids))
    told = [each for each in told if each[2]]
    count = struct.pack(">H", len(items))
    return full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", b"\0\1"),
        full(b"iloc", b"\x44\0", count, *where),
        full(b"iinf", count, *entries),
        full(b"iref", *refers) if refers else b"",
        box(
            b"iprp",
            box(b"ipco", *listed),
            full(b"ipma", struct.pack(">I", len(told)), *told),
        ),
        groups,
    )
