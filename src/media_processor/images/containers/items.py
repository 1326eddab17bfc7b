"""The items of an AVIF or HEIF (``meta``, ISO/IEC 14496-12, 8.11): pictures, and what goes with
them."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from media_processor.errors import BrokenPicture
from media_processor.images.containers import Data
from media_processor.images.containers.boxes import MOST, FileBox, boxes, number, only


def items_of(data: Data) -> "Items | None":
    for box in boxes(data, 0, len(data)):
        if box.name == b"meta":
            return Items(data, box)
    return None


class Item(NamedTuple):
    """``kind`` is four letters; of a ``mime`` there is a ``content_type``. ``at`` is where the
    box begins that says so."""

    kind: bytes
    content_type: bytes
    at: int


class Reference(NamedTuple):
    """``at`` is where its content begins, behind its kind."""

    kind: bytes
    source: int
    targets: tuple[int, ...]
    at: int


class Items:
    """Read anew each time it is asked; but properties once, as there may be thousands of items."""

    def __init__(self, data: Data, meta: FileBox) -> None:
        self.data = data
        self.boxes = {box.name: box for box in boxes(data, meta.start + 4, meta.end)}

    @property
    def primary(self) -> int:
        box = self.boxes[b"pitm"]
        return number(self.data, box.start + 4, 2 if self.data[box.start] == 0 else 4)

    @cached_property
    def all_properties(self) -> list[FileBox]:
        if b"iprp" not in self.boxes:
            raise BrokenPicture("The picture's header is damaged.")
        ipco = only(self._inside(b"iprp"), b"ipco")
        return list(boxes(self.data, ipco.start, ipco.end))

    def properties(self, item: int) -> list[FileBox]:
        listed, (at, count, size) = self.all_properties, self._associations.get(item, (0, 0, 1))
        mask = 0x7FFF if size == 2 else 0x7F
        numbers = (number(self.data, n, size) & mask for n in range(at, at + count * size, size))
        return [listed[each - 1] for each in numbers if each]  # 0 is none (23008-12, 9.3.1)

    @cached_property
    def _associations(self) -> dict[int, tuple[int, int, int]]:
        """Of each item where the numbers of its properties are, how many, and of how many bytes."""
        found: dict[int, tuple[int, int, int]] = {}
        for box in self._inside(b"iprp"):
            if box.name == b"ipma":
                for item, numbers in _property_numbers(self.data, box):
                    if numbers[1]:
                        found.setdefault(item, numbers)
        return found

    def all(self) -> dict[int, Item]:
        """``iinf`` (8.11.6), by number."""
        found: dict[int, Item] = {}
        if b"iinf" not in self.boxes:
            return found
        box, data = self.boxes[b"iinf"], self.data
        count_size = 2 if data[box.start] == 0 else 4
        for entry in boxes(data, box.start + 4 + count_size, box.end):
            if entry.name == b"infe" and data[entry.start] >= 2:
                at = entry.start + 4
                size = 2 if data[entry.start] == 2 else 4
                kind = bytes(data[at + size + 2 : at + size + 6])
                texts = bytes(data[at + size + 6 : entry.end]).split(b"\0")
                content_type = texts[1] if kind == b"mime" and len(texts) > 1 else b""
                found[number(data, at, size)] = Item(kind, content_type, entry.start)
        return found

    def references(self) -> list[Reference]:
        """``iref`` (8.11.12)."""
        found = []
        if b"iref" in self.boxes:
            box, data = self.boxes[b"iref"], self.data
            size = 2 if data[box.start] == 0 else 4
            for each in boxes(data, box.start + 4, box.end):
                first = each.start + size + 2
                end = min(each.end, first + size * number(data, first - 2, 2))
                targets = tuple(number(data, at, size) for at in range(first, end, size))
                found.append(
                    Reference(each.name, number(data, each.start, size), targets, each.start)
                )
        return found

    def parts(self, *items: int) -> list[int]:
        """With what they are derived from, such as tiles (23008-12, 6.4.6), each once."""
        made_of: dict[int, list[int]] = {}
        for each in self.references():
            if each.kind == b"dimg":
                made_of.setdefault(each.source, []).extend(each.targets)
        found, new = dict.fromkeys(items), list(items)
        while new:
            more = [part for part in dict.fromkeys(made_of.get(new.pop(), ())) if part not in found]
            found |= dict.fromkeys(more)
            new += more
        return list(found)

    def content(self, item: int, most: int) -> bytes:
        """Nothing if it lies elsewhere, or is longer than ``most``."""
        pieces, size = [], 0
        for start, length in self._extents(item):
            size += length
            if size > most:
                return b""
            pieces.append(bytes(self.data[start : start + length]))
        return b"".join(pieces)

    def _extents(self, item: int) -> Iterator[tuple[int, int]]:
        """``iloc`` (8.11.3): start and length of each piece."""
        if b"iloc" not in self.boxes:
            return
        data, at = self.data, self.boxes[b"iloc"].start
        version, sizes = data[at], number(data, at + 4, 2)
        start_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_size = sizes & 15 if version else 0
        id_size = 4 if version == 2 else 2
        count, at = number(data, at + 6, id_size), at + 6 + id_size
        left = MOST
        for _ in range(min(count, MOST)):
            found, at = number(data, at, id_size), at + id_size
            method = number(data, at, 2) & 15 if version else 0
            at += 4 if version else 2
            base = number(data, at, base_size)
            extents, at = number(data, at + base_size, 2), at + base_size + 2
            if found == item and method == 1 and b"idat" in self.boxes:
                base += self.boxes[b"idat"].start
            left -= extents
            if method > 1 or left < 0:
                return
            each = index_size + start_size + length_size
            if found == item:
                for place in range(at + index_size, at + index_size + extents * each, each or 1):
                    start = number(data, place, start_size)
                    yield base + start, number(data, place + start_size, length_size)
            at += extents * each

    def _inside(self, name: bytes) -> Iterator[FileBox]:
        box = self.boxes[name]
        return boxes(self.data, box.start, box.end)


def _property_numbers(data: Data, box: FileBox) -> Iterator[tuple[int, tuple[int, int, int]]]:
    # ``ipma`` (23008-12, 9.3.1).
    id_size, size = 2 if data[box.start] < 1 else 4, 1 + (data[box.start + 3] & 1)
    at = box.start + 8
    for _ in range(min(number(data, box.start + 4, 4), MOST)):
        if at + id_size >= box.end:
            return
        count = data[at + id_size]
        yield number(data, at, id_size), (at + id_size + 1, count, size)
        at += id_size + 1 + count * size
