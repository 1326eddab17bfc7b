"""Tracks of an AVIF or HEIF that is a sequence (``moov``, ISO/IEC 14496-12, 8.3)."""

from collections.abc import Iterator

from media_processor.images.containers import Data
from media_processor.images.containers.boxes import FileBox, boxes, number

# Where a track lists its samples: ``stsd`` says what they are, ``stsz`` how many.
_TO_SAMPLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_PICTURES = (b"av01", b"hvc1", b"hev1")
_ENTRY_BYTES = 78  # of a VisualSampleEntry (12.1.3), before its boxes


def frames(data: Data) -> int:
    """The most that any track of pictures has."""
    return max([0, *(number(data, table[b"stsz"].start + 8, 4) for table in _tables(data))])


def first_frame_bytes(data: Data) -> int:
    """How many bytes the first frame of a sequence takes, which all others depend on."""
    sizes = [0]
    for table in _tables(data):
        start = table[b"stsz"].start  # 8.7.3.2
        sizes.append(number(data, start + 4, 4) or number(data, start + 12, 4))
    return max(sizes)


def kinds(data: Data, moov: FileBox) -> list[bytes]:
    """Of each track the handler's (8.4.3): ``pict``, ``soun`` and so on."""
    found = []
    inside = [moov]
    while inside:
        for box in boxes(data, inside[-1].start, inside.pop().end):
            if box.name == b"hdlr":
                found.append(bytes(data[box.start + 8 : box.start + 12]))
            elif box.name in (b"trak", b"mdia"):
                inside.append(box)
    return found


def picture_properties(data: Data) -> Iterator[FileBox]:
    """What the first sample entry of each track of pictures says of them, such as ``colr``."""
    for table in _tables(data):
        start = table[b"stsd"].start + 8
        end = start + number(data, start, 4)
        yield from boxes(data, start + 8 + _ENTRY_BYTES, min(end, table[b"stsd"].end))


def _tables(data: Data) -> Iterator[dict[bytes, FileBox]]:
    """``stbl`` of each track of pictures."""
    inside = [(0, len(data))]
    while inside:
        found = list(boxes(data, *inside.pop()))
        inside += [(box.start, box.end) for box in found if box.name in _TO_SAMPLES]
        named = {box.name: box for box in found}
        if b"stsd" in named and b"stsz" in named:
            start = named[b"stsd"].start
            if data[start + 12 : start + 16] in _PICTURES:
                yield named
