"""AVIF and HEIF (ISO/IEC 14496-12 and 23008-12): boxes in boxes; ``meta`` lists the items."""

import struct
from dataclasses import dataclass

from media_processor import formats
from media_processor.errors import BrokenPicture
from media_processor.images.containers import Data, tracks
from media_processor.images.containers.boxes import FileBox, boxes, only
from media_processor.images.containers.isobmff_losses import notes_of
from media_processor.images.containers.items import Items, items_of
from media_processor.images.geometry import Box
from media_processor.images.info import PictureInfo, Size
from media_processor.images.metadata import Metadata, note_trailer
from media_processor.limits import Limits


@dataclass
class _Shape:
    """What the transformations (23008-12, 6.5) make of a picture, in the order they are listed."""

    turns: bool
    size: Size = (0, 0)
    crop: Box | None = None
    quarters: int = 0
    mirror: int | None = None
    depth: int = 8

    def apply(self, data: Data, box: FileBox) -> None:
        match box.name:
            case b"ispe":
                self.size = _pair(data, box.start + 4)
            case b"clap":
                self.crop = _clean_aperture(data, box.start, self.size)
                self.size = self.crop.width, self.crop.height
            case b"irot":
                self.quarters = data[box.start] & 3
                if self.turns and self.quarters % 2:
                    self.size = self.size[1], self.size[0]
            case b"imir":
                self.mirror = data[box.start] & 1
            case b"av1C":  # AV1-ISOBMFF, 2.3.3: high_bitdepth and twelve_bit
                flags = data[box.start + 2]
                self.depth = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def read_info(data: Data, limits: Limits) -> PictureInfo:
    """``irot`` and ``imir`` (23008-12, 6.5.10 and 6.5.12) count as an orientation of an AVIF; a
    HEIF's decoder turns the picture itself.
    """
    kind = formats.recognise(data[: formats.HEAD_BYTES])
    named = kind.name if kind else "HEIF"
    shape = _shape(data, turns=named == "HEIF", limits=limits)
    if not shape.size[0] or not shape.size[1]:
        raise BrokenPicture("The picture's header is damaged.")
    # As libavif chooses: an ``avif`` may have a track, but what is shown is its picture.
    frames = 1 if data[8:12] == b"avif" else max(1, tracks.frames(data))
    limits.check_frames(frames)
    turn = 1 if named == "HEIF" else _orientation(shape.quarters, shape.mirror)
    return PictureInfo(named, *shape.size, turn, frames)


def size_of(items: Items, item: int) -> Size:
    """As it is shown."""
    return _shape_of(items, item, turns=True).size


def crop(data: Data) -> Box | None:
    """The part of an AVIF's coded picture that is shown, which its decoder leaves to us."""
    return _shape(data, turns=False).crop


def chroma_format(data: Data) -> int:
    """How HEVC samples the colours (14496-15, 8.3.3.1.2): 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4."""
    items = items_of(data)
    for part in items.parts(items.primary) if items else ():
        for box in items.properties(part) if items else ():
            if box.name == b"hvcC":
                return data[box.start + 16] & 3
    return 1


def depth(data: Data) -> int:
    """Bits a sample of an AVIF."""
    return _shape(data, turns=False).depth


def _shape(data: Data, *, turns: bool, limits: Limits | None = None) -> _Shape:
    found = {box.name: box for box in boxes(data, 0, len(data))}
    meta = found.get(b"meta")
    if meta is None:
        return _Shape(turns, _track_size(data, only(iter(found.values()), b"moov")))
    items = Items(data, meta)
    shape = _shape_of(items, items.primary, turns=turns)
    if limits:
        for box in items.all_properties:  # also a tile or a preview must not be a giant
            if box.name == b"ispe":
                PictureInfo("HEIF", *_pair(data, box.start + 4)).check(limits)
    return shape


def _shape_of(items: Items, item: int, *, turns: bool) -> _Shape:
    shape = _Shape(turns)
    for box in sorted(items.properties(item), key=lambda box: box.name != b"ispe"):
        shape.apply(items.data, box)
    return shape


def _track_size(data: Data, moov: FileBox) -> Size:
    """Of a sequence without a still: ``tkhd`` ends with it, in 65,536ths (14496-12, 8.3.2)."""
    sizes = [(0, 0)]
    for track in boxes(data, moov.start, moov.end):
        if track.name == b"trak":
            head = only(boxes(data, track.start, track.end), b"tkhd")
            width, height = _pair(data, head.end - 8)
            sizes.append((width >> 16, height >> 16))
    return max(sizes)


def _pair(data: Data, at: int) -> Size:
    return int.from_bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8])


def _clean_aperture(data: Data, at: int, size: Size) -> Box:
    """``clap`` (14496-12, 12.1.4): width, height and the offset of the centre, as fractions.

    What isn't whole pixels is rounded as libheif rounds it.
    """
    width, height, right, down = (struct.unpack_from(">iI", data, at + 8 * n) for n in range(4))
    left, columns = _along(size[0], width, right)
    top, rows = _along(size[1], height, down)
    return Box(left, top, columns, rows)


def _along(side: int, length: tuple[int, int], offset: tuple[int, int]) -> tuple[int, int]:
    # first = offset + (side - 1) / 2 - (length - 1) / 2, last = first + length - 1
    unit = 2 * length[1] * offset[1]
    span = (length[0] - length[1]) * 2 * offset[1]
    first = offset[0] * 2 * length[1] + (side - 1) * unit // 2 - span // 2
    start, end = max(0, first // unit), min(side, (first + span + unit // 2) // unit + 1)
    if end <= start:
        raise BrokenPicture("The picture's header is damaged.")
    return start, end - start


def _orientation(turn: int, mirror: int | None) -> int:
    """EXIF's number for ``turn`` quarters counterclockwise, then mirrored.

    ``mirror`` 0 swaps top and bottom, 1 left and right.
    """
    turned = (1, 8, 3, 6)[turn]
    if mirror is None:
        return turned
    upside = {1: 4, 8: 5, 3: 2, 6: 7}
    sideways = {1: 2, 8: 7, 3: 4, 6: 5}
    return (sideways if mirror else upside)[turned]


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001 - as every container
    """Notes alone; libraries read the rest."""
    found = list(boxes(data, 0, len(data)))
    notes = (*notes_of(data, found), *note_trailer(data[found[-1].end if found else 0 :]))
    return Metadata(notes=tuple(dict.fromkeys(notes)))


def video(data: Data) -> bytes:
    """Of a motion photo, an MP4 file; ``b""`` if there is none."""
    for box in boxes(data, 0, len(data)):
        if box.name == b"mpvd" and data[box.start + 4 : box.start + 8] == b"ftyp":
            return data[box.start : box.end]
    return b""
