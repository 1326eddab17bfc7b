"""AVIF and HEIF (ISO/IEC 14496-12 and 23008-12): boxes in boxes; ``meta`` lists the items."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from media_processor import formats
from media_processor.errors import BrokenPicture, ImageBomb
from media_processor.images.containers import Data
from media_processor.images.geometry import Box
from media_processor.images.info import PictureInfo, Size
from media_processor.images.metadata import CREDENTIALS, Metadata, note_parts, note_trailer
from media_processor.limits import Limits

GAIN_MAP = "the HDR gain map was dropped"
VIDEO = "the video of the motion photo was dropped"
_TOP = (b"ftyp", b"meta", b"mdat", b"free", b"skip", b"moov", b"uuid", b"mpvd")
_CREDENTIALS_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.1, A.3
# Where a track lists its samples: ``stsd`` says what they are, ``stsz`` how many.
_TO_SAMPLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_MOST_BOXES = 20_000  # a phone's picture of 48 tiles has some 200


class FileBox(NamedTuple):
    """``data[start:end]`` is the content."""

    name: bytes
    start: int
    end: int


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
    frames = _frames(data)
    limits.check_frames(frames)
    turn = 1 if named == "HEIF" else _orientation(shape.quarters, shape.mirror)
    return PictureInfo(named, *shape.size, turn, frames)


def crop(data: Data) -> Box | None:
    """The part of an AVIF's coded picture that is shown, which its decoder leaves to us."""
    return _shape(data, turns=False).crop


def chroma_format(data: Data) -> int:
    """How HEVC samples the colours (14496-15, 8.3.3.1.2): 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4."""
    at = data.find(b"hvcC")
    return data[at + 20] & 3 if 0 <= at < len(data) - 20 else 1


def depth(data: Data) -> int:
    """Bits a sample of an AVIF."""
    return _shape(data, turns=False).depth


def _shape(data: Data, *, turns: bool, limits: Limits | None = None) -> _Shape:
    found = {box.name: box for box in boxes(data, 0, len(data))}
    meta = found.get(b"meta")
    if meta is None:
        return _Shape(turns, _track_size(data, _only(iter(found.values()), b"moov")))
    inside = {box.name: box for box in boxes(data, meta.start + 4, meta.end)}
    properties = inside.get(b"iprp")
    if properties is None:
        raise BrokenPicture("The picture's header is damaged.")
    described = list(boxes(data, properties.start, properties.end))
    ipco = _only(iter(described), b"ipco")
    listed = list(boxes(data, ipco.start, ipco.end))
    primary = _primary(data, inside[b"pitm"])
    listings = [_property_numbers(data, box, primary) for box in described if box.name == b"ipma"]
    numbers = next(filter(None, listings), [])
    chosen = [listed[number - 1] for number in numbers if number]  # 0 is none (9.3.1)
    shape = _Shape(turns)
    for box in sorted(chosen, key=lambda box: box.name != b"ispe"):
        shape.apply(data, box)
    if limits:
        for box in listed:  # also a tile or a preview must not be a giant
            if box.name == b"ispe":
                PictureInfo("HEIF", *_pair(data, box.start + 4)).check(limits)
    return shape


def _track_size(data: Data, moov: FileBox) -> Size:
    """Of a sequence without a still: ``tkhd`` ends with it, in 65,536ths (14496-12, 8.3.2)."""
    sizes = [(0, 0)]
    for track in boxes(data, moov.start, moov.end):
        if track.name == b"trak":
            head = _only(boxes(data, track.start, track.end), b"tkhd")
            width, height = _pair(data, head.end - 8)
            sizes.append((width >> 16, height >> 16))
    return max(sizes)


def boxes(data: Data, at: int, end: int) -> Iterator[FileBox]:
    # What is no box may follow those of a file.
    is_file = at == 0
    for _ in range(_MOST_BOXES):
        if at + 8 > end:
            return
        size, name, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        elif size == 0:
            size = end - at
        if is_file and not name.isalnum():
            return
        if size < head or at + size > end:
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield FileBox(name, at + head, at + size)
        at += size
    raise ImageBomb("The file has more boxes than any real picture.")


def _only(found: Iterator[FileBox], name: bytes) -> FileBox:
    for box in found:
        if box.name == name:
            return box
    raise BrokenPicture("The picture is truncated: it has no pixel data.")


def _primary(data: Data, box: FileBox) -> int:
    size = 2 if data[box.start] == 0 else 4
    return int.from_bytes(data[box.start + 4 : box.start + 4 + size])


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


def _property_numbers(data: Data, box: FileBox, item: int) -> list[int]:
    # ``ipma`` (23008-12, 9.3.1).
    version, wide = data[box.start], data[box.start + 3] & 1
    id_size = 2 if version < 1 else 4
    at = box.start + 8
    for _ in range(min(int.from_bytes(data[box.start + 4 : at]), _MOST_BOXES)):
        number = int.from_bytes(data[at : at + id_size])
        count = data[at + id_size]
        at += id_size + 1
        size = 2 if wide else 1
        if number == item:
            mask = 0x7FFF if wide else 0x7F
            return [
                int.from_bytes(data[n : n + size]) & mask
                for n in range(at, at + count * size, size)
            ]
        at += count * size
    return []


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


def first_frame_bytes(data: Data) -> int:
    """How many bytes the first frame of a sequence takes, which all others depend on."""
    sizes = [0]
    for box in _sample_sizes(data):
        same = int.from_bytes(data[box.start + 4 : box.start + 8])
        sizes.append(same or int.from_bytes(data[box.start + 12 : box.start + 16]))
    return max(sizes)


def _frames(data: Data) -> int:
    counts = [int.from_bytes(data[box.start + 8 : box.start + 12]) for box in _sample_sizes(data)]
    # As libavif chooses: an ``avif`` may have a track, but what is shown is its picture.
    return 1 if data[8:12] == b"avif" else max(1, *counts, 1)


def _sample_sizes(data: Data) -> Iterator[FileBox]:
    """``stsz`` (14496-12, 8.7.3.2) of each track of pictures."""
    inside = [(0, len(data))]
    while inside:
        found = list(boxes(data, *inside.pop()))
        inside += [(box.start, box.end) for box in found if box.name in _TO_SAMPLES]
        named = {box.name: box for box in found}
        if b"stsd" in named and b"stsz" in named and _has_pictures(data, named[b"stsd"]):
            yield named[b"stsz"]


def _has_pictures(data: Data, box: FileBox) -> bool:
    return data[box.start + 12 : box.start + 16] in (b"av01", b"hvc1", b"hev1")


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001 - as every container
    """Notes alone; libraries read the rest."""
    notes: list[str] = []
    end, unknown = 0, []
    for box in boxes(data, 0, len(data)):
        end = box.end
        if box.name == b"uuid" and data[box.start : box.start + 16] == _CREDENTIALS_ID:
            notes.append(CREDENTIALS)
        elif box.name == b"mpvd":  # Motion Photo format 1.0
            notes.append(VIDEO)
        elif box.name == b"meta":
            notes += _of_items(data, box)
        unknown += [box.name] if box.name not in _TOP else []
    notes += [*note_parts("boxes", unknown), *note_trailer(data[end:])]
    return Metadata(notes=tuple(notes))


def video(data: Data) -> bytes:
    """Of a motion photo, an MP4 file; ``b""`` if there is none."""
    for box in boxes(data, 0, len(data)):
        if box.name == b"mpvd" and data[box.start + 4 : box.start + 8] == b"ftyp":
            return data[box.start : box.end]
    return b""


def _of_items(data: Data, meta: FileBox) -> Iterator[str]:
    # ``auxC`` (23008-12, 6.5.8) says what an auxiliary picture is for.
    inside = {box.name: box for box in boxes(data, meta.start + 4, meta.end)}
    kinds: set[bytes] = set()
    if properties := inside.get(b"iprp"):
        for listed in boxes(data, properties.start, properties.end):
            if listed.name == b"ipco":
                kinds |= {
                    bytes(data[box.start + 4 : box.end]).split(b"\0")[0].lower()
                    for box in boxes(data, listed.start, listed.end)
                    if box.name == b"auxC"
                }
    items = inside.get(b"iinf")
    has_tone_map = items is not None and b"tmap" in data[items.start : items.end]  # 21496-1
    gain_maps = {kind for kind in kinds if b"gainmap" in kind}
    depths = {
        kind for kind in kinds if b"depth" in kind or kind.endswith((b"auxid:2", b"disparity"))
    }
    alphas = {kind for kind in kinds if kind.endswith((b"alpha", b"auxid:1"))}
    if gain_maps or has_tone_map:
        yield GAIN_MAP
    if depths:
        yield "the depth map was dropped"
    if kinds - gain_maps - depths - alphas:
        yield "auxiliary pictures were dropped, such as the outlines of persons"
