"""JPEG (ITU T.81, annex B): a chain of marker segments with coded scans between them.

EXIF: CIPA DC-008, section 4.7.2. XMP: specification part 3, section 1.1.3. ICC: ICC.1
annex B.4. MPF, further pictures in the same file: CIPA DC-007.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from media_processor.errors import BrokenPicture, ImageBomb, UnsupportedPicture
from media_processor.images import exif, exif_writer, xmp
from media_processor.images.containers import Data
from media_processor.images.containers.jpeg_losses import Losses
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import SECOND, Comment, Metadata
from media_processor.limits import Limits

SOI, EOI, SOS, DQT, DHT, APP0, APP14, COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xE0, 0xEE, 0xFE

# Baseline, extended and progressive, with Huffman or arithmetic coding.
FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_PROGRESSIVE = {0xC2, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}

END = bytes((0xFF, EOI))
# A marker: not stuffing (FF00), not a restart (FFD0 to FFD7), not fill (FFFF).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_MOST_SEGMENTS = 10_000  # 16 MB of ICC or XMP take 256

# A splice holds the file and its copy.
_SPLICE_COPIES = 2
# Of an even colour, a byte has 64 pixels in 4:2:0 and 85 in grey. A file that claims more lies.
_PIXELS_A_BYTE = 100

_EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_MOST_BYTES = 65_533  # in a segment
_PIECE = _MOST_BYTES - 14  # what Photoshop's header leaves, or a profile's


class Segment(NamedTuple):
    """``data[start:end]`` is the whole segment, from its 0xFF on."""

    marker: int
    start: int
    end: int


def segments(data: Data) -> Iterator[Segment]:
    """Every segment up to and with EOI; the coded data of scans is passed over. A file may be cut
    off anywhere behind the head of its first scan."""
    at, is_coded = 2, False
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if not found:
            return
        start, marker = found.start(), data[found.start() + 1]
        if marker == EOI:
            yield Segment(marker, start, start + 2)
            return
        length = int.from_bytes(data[start + 2 : start + 4])
        if length < 2 and is_application(marker):
            length = 2  # as every decoder takes it (libjpeg, jdmarker.c)
        at = start + 2 + length
        if length < 2 or at > len(data):
            if is_coded:
                return
            raise BrokenPicture("The picture is truncated: data is missing.")
        is_coded = is_coded or marker == SOS
        yield Segment(marker, start, at)
    raise ImageBomb("The JPEG has more segments than any real picture.")


def read_info(data: Data, limits: Limits) -> PictureInfo:
    """Reads all scans of a picture that has several, else up to the first."""
    size, turn, scans, parts, splice_bytes = None, 1, 0, 0, 0
    amounts: dict[str, int] = {}
    progressive = False
    for segment in segments(data):
        if segment.marker in _OTHER_FRAMES:
            raise UnsupportedPicture("Lossless and hierarchical JPEGs aren't supported.")
        if segment.marker in FRAMES and size is None:
            size, parts = _frame(data, segment)
            progressive = segment.marker in _PROGRESSIVE
        elif segment.marker == SOS:
            scans += 1
            limits.check_scans(scans)
            if scans == 1 and not progressive and data[segment.start + 4] == parts:
                if size and size[0] * size[1] <= _PIXELS_A_BYTE * len(data):
                    splice_bytes = _SPLICE_COPIES * len(data)
                break
        elif kind := _kind(data, segment):
            is_first = kind not in amounts
            amounts[kind] = amounts.get(kind, 0) + segment.end - segment.start - 4 - _HEADERS[kind]
            limits.check_metadata(kind, amounts[kind])
            if kind == "EXIF" and is_first:
                turn = exif.orientation(data[segment.start + 10 : segment.end])
    if size is None or not scans:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    return PictureInfo("JPEG", *size, turn, splice_bytes=splice_bytes)


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001 - as every container
    parts: dict[str, list[bytes]] = {"EXIF": [], "XMP": [], "ICC": [], "IPTC": []}
    comments, numbers, losses = [], [], Losses()
    at, strays, is_coded = 2, 0, False
    for segment in up_to_only_scan(data):  # a comment may stand between two scans
        if not is_coded:
            strays += len(bytes(data[at : segment.start]).strip(b"\xff"))  # 0xFF may fill
        at, is_coded = segment.end, segment.marker == SOS
        payload = data[segment.start + 4 : segment.end]
        if segment.marker == COM:
            comments.append(Comment(payload, payload))
        elif kind := _kind(data, segment):
            parts[kind].append(payload[_HEADERS[kind] :])
            if kind == "ICC":
                numbers.append(payload[len(_ICC)])
        elif is_application(segment.marker):
            losses.add(segment.marker, payload)
    first, *others = parts["EXIF"] or [b""]
    notes = losses.notes
    # What is too long for a segment goes on in the next one; a header begins another block.
    if any(other[:4] in exif.HEADERS for other in others):
        notes.append(SECOND["EXIF"])
    packet, *more = parts["XMP"] or [b""]
    notes += [SECOND["XMP"]] if more else []
    notes += [f"bytes between the JPEG's segments were dropped: {strays}"] if strays else []
    profile = dict(zip(numbers, parts["ICC"], strict=True))
    return Metadata(
        b"".join(profile[number] for number in sorted(profile)),
        b"".join([first, *(other for other in others if other[:4] not in exif.HEADERS)]),
        packet,
        b"".join(parts["IPTC"]),
        tuple(comments),
        tuple(notes),
    )


def picture_end(data: Data) -> int:
    """Where the picture ends; another may follow."""
    last = Segment(SOI, 0, 2)
    for last in up_to_only_scan(data):
        if last.marker == EOI:
            return last.end
    # In coded data 0xFF is never followed by 0xD9, and looking for that is fast.
    end = data.find(END, last.end) if last.marker == SOS else -1
    return end + 2 if end >= 0 else len(data)


def marker_in(data: Data, start: int, end: int) -> bool:
    """Whether there is one in coded data."""
    return _MARKER.search(data, start, end) is not None


def up_to_only_scan(data: Data) -> Iterator[Segment]:
    """All segments, if there are several scans; else those up to and with the one."""
    is_progressive, parts = False, 0
    for segment in segments(data):
        yield segment
        if segment.marker in FRAMES:
            is_progressive, parts = segment.marker in _PROGRESSIVE, data[segment.start + 9]
        elif segment.marker == SOS and not is_progressive and data[segment.start + 4] == parts:
            return


def strip(data: Data) -> bytes:
    """The file with JFIF's and Adobe's segments, but no other APPn, comment or trailer; nothing
    between its segments but coded data; and with an EOI."""
    pieces, at, is_coded = [data[:2]], 2, False
    for segment in segments(data):
        if is_coded:
            pieces.append(data[at : segment.start])
        if not is_application(segment.marker) or segment.marker in (APP0, APP14):
            pieces.append(data[segment.start : segment.end])
        if segment.marker == EOI:
            return b"".join(pieces)
        at, is_coded = segment.end, segment.marker == SOS
    return b"".join([*pieces, data[at : coded_end(data, at)] if is_coded else b"", END])


def coded_end(data: Data, at: int) -> int:
    found = _MARKER.search(data, at)
    return found.start() if found else len(data)


def add_segments(picture: bytes, others: bytes) -> bytes:
    at = 2
    for segment in segments(picture):
        if segment.marker not in (APP0, APP14):
            break
        at = segment.end
    return b"".join([picture[:at], others, picture[at:]])


def with_density_of(source: bytes, picture: bytes) -> bytes:
    """``picture`` with the density that ``source`` has there
    (JFIF 1.02: version, unit, horizontal and vertical)."""
    for segment in segments(source):
        if segment.marker == SOS:
            break
        if segment.marker == APP0 and source[segment.start + 4 :][:5] == b"JFIF\0":
            density = source[segment.start + 9 : segment.start + 16]
            if len(density) == 7:
                header = write_segment(APP0, b"JFIF\0" + density + bytes(2))
                # For CMYK libjpeg writes none.
                return picture[:2] + header + picture[20 if picture[6:11] == b"JFIF\0" else 2 :]
    return picture


def fit_metadata(kept: Metadata, orientation: int) -> Metadata:
    """What of it has room in a JPEG."""
    payload, notes = exif_writer.fit(kept.exif, _MOST_BYTES - len(_EXIF))
    if not payload and orientation > 1:
        payload = exif.only_orientation(orientation)
    packet = kept.xmp
    if len(packet) > _MOST_BYTES - len(XMP):
        packet = xmp.without_padding(packet)
    if len(packet) > _MOST_BYTES - len(XMP):
        packet, notes = b"", (*notes, "XMP was dropped: it is too large for a JPEG")
    return replace(kept, exif=payload, xmp=packet, notes=(*kept.notes, *notes))


def write_metadata(kept: Metadata, others: bytes = b"") -> bytes:
    """As whole segments, ``others`` behind them."""
    found = [write_segment(0xE1, _EXIF + kept.exif)] if kept.exif else []
    found += [write_segment(0xE1, XMP + kept.xmp)] if kept.xmp else []
    profile = _pieces(kept.icc)
    found += [
        write_segment(0xE2, _ICC + bytes((number, len(profile))) + piece)
        for number, piece in enumerate(profile, start=1)
    ]
    found += [write_segment(0xED, _PHOTOSHOP + piece) for piece in _pieces(kept.iptc)]
    found += [write_segment(COM, text.stored) for text in kept.comments]
    return b"".join([*found, others])


def components(data: Data) -> int:
    # 1 is grey, 3 are colours, 4 inks.
    for segment in segments(data):
        if segment.marker in FRAMES:
            return data[segment.start + 9]
    raise BrokenPicture("The picture is truncated: it has no pixel data.")


def huffman_tables(data: Data) -> set[bytes]:
    """Each with its class and number, as it stands in the file."""
    tables = set()
    for segment in segments(data):
        if segment.marker == DHT:
            at = segment.start + 4
            while at + 17 <= segment.end:
                end = at + 17 + sum(data[at + 1 : at + 17])
                tables.add(data[at:end])
                at = end
        elif segment.marker == SOS:
            break
    return tables


def _frame(data: Data, segment: Segment) -> tuple[tuple[int, int], int]:
    # B.2.2.
    depth, parts = data[segment.start + 4], data[segment.start + 9]
    height = int.from_bytes(data[segment.start + 5 : segment.start + 7])
    width = int.from_bytes(data[segment.start + 7 : segment.start + 9])
    if depth != 8:
        raise UnsupportedPicture(f"{depth}-bit JPEGs aren't supported, only 8-bit ones.")
    if not width or not height or parts not in (1, 3, 4):
        raise BrokenPicture("The picture's header is damaged.")
    return (width, height), parts


def is_application(marker: int) -> bool:
    """APPn, or a comment."""
    return 0xE0 <= marker <= 0xEF or marker == COM


def write_segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2) + payload


# An ICC segment's number and their count belong to its header.
_HEADERS = {"EXIF": len(_EXIF), "XMP": len(XMP), "ICC": len(_ICC) + 2, "IPTC": len(_PHOTOSHOP)}


def _kind(data: Data, segment: Segment) -> str:
    head = data[segment.start + 4 : min(segment.end, segment.start + 40)]
    match segment.marker:
        case 0xE1 if head.startswith(_EXIF):
            return "EXIF"
        case 0xE1 if head.startswith(XMP):
            return "XMP"
        case 0xE2 if head.startswith(_ICC) and len(head) > len(_ICC) + 2:
            return "ICC"
        case 0xED if head.startswith(_PHOTOSHOP):
            return "IPTC"
    return ""


def _pieces(payload: bytes) -> list[bytes]:
    return [payload[at : at + _PIECE] for at in range(0, len(payload), _PIECE)]
