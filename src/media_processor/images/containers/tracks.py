"""Tracks of an AVIF or HEIF that is a sequence (``moov``, ISO/IEC 14496-12, 8.3)."""

from collections.abc import Iterator

from media_processor.images.containers import Data
from media_processor.images.containers.boxes import FileBox, boxes, number

# Where a track lists its samples: ``stsd`` says what they are, ``stsz`` how many.
_TO_SAMPLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_PICTURES = (b"av01", b"hvc1", b"hev1")
_MOST_PLAYS = 65_535  # as of a GIF
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


def plays(data: Data) -> int:
    """How often the first track that says so is shown; 0 if for ever, or if none does.

    An edit list (8.6.6) may be repeated, as its flags say (23008-12, 9.6.1), until the track's
    duration is over. One without an end is all ones.
    """
    for track, edits in _with_edits(data):
        once = number(data, edits.start + 8, _width(data, edits))
        at, width = _duration(data, track)
        whole = number(data, at, width)
        if not data[edits.start + 3] & 1:
            return 1
        if once and whole != (1 << 8 * width) - 1:
            return min(-(-whole // once), _MOST_PLAYS)
    return 0


def set_plays(data: bytes, count: int) -> bytes:
    changed = bytearray(data)
    for track, edits in _with_edits(data):
        whole = number(data, edits.start + 8, _width(data, edits)) * count
        changed[edits.start + 3] = count > 1
        for box in (track, *(_inside(data, (b"moov", b"mvhd")))):
            at, width = _duration(data, box)
            changed[at : at + width] = whole.to_bytes(width)
    return bytes(changed)


def _with_edits(data: Data) -> Iterator[tuple[FileBox, FileBox]]:
    """Of each track ``tkhd`` and ``elst``."""
    for track in _inside(data, (b"moov", b"trak")):
        heads = _inside(data, (b"tkhd",), track.start, track.end)
        edits = _inside(data, (b"edts", b"elst"), track.start, track.end)
        yield from zip(heads, edits, strict=False)


def _inside(
    data: Data, path: tuple[bytes, ...], start: int = 0, end: int | None = None
) -> Iterator[FileBox]:
    for box in boxes(data, start, len(data) if end is None else end):
        if box.name == path[0]:
            if path[1:]:
                yield from _inside(data, path[1:], box.start, box.end)
            else:
                yield box


def _duration(data: Data, box: FileBox) -> tuple[int, int]:
    """Where that of ``mvhd`` (8.2.2) or ``tkhd`` (8.3.2) is, and its width: behind version and
    flags, two times, and the time scale, or the track's number and nothing."""
    width = _width(data, box)
    return box.start + 4 + 2 * width + (8 if box.name == b"tkhd" else 4), width


def _width(data: Data, box: FileBox) -> int:
    return 8 if data[box.start] else 4  # by version


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
