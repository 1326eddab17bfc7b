"""JPEG (ITU T.81, annex B): a chain of marker segments with coded scans between them.

EXIF: CIPA DC-008, section 4.7.2. XMP: specification part 3, section 1.1.3. ICC: ICC.1
annex B.4. MPF, further pictures in the same file: CIPA DC-007.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from media_processor.errors import BrokenPicture, ImageBomb, UnsupportedPicture
from media_processor.images import exif
from media_processor.images.containers import Data
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.limits import Limits

SOI, EOI, SOS, DQT, DHT, APP0, APP14 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xE0, 0xEE

# Baseline, extended and progressive, with Huffman or arithmetic coding.
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_PROGRESSIVE = {0xC2, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}

# A marker: not stuffing (FF00), not a restart (FFD0 to FFD7), not fill (FFFF).
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_MOST_SEGMENTS = 10_000  # 16 MB of ICC or XMP take 256

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_MPF = b"MPF\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_MOST_EXIF = 65_527  # a segment's 65,533 bytes less 6 of header
_ICC_PIECE = 65_519  # a segment's 65,533 bytes less 14 of header


class Segment(NamedTuple):
    """``data[start:end]`` is the whole segment, from its 0xFF on."""

    marker: int
    start: int
    end: int


def segments(data: Data) -> Iterator[Segment]:
    """Every segment up to and with EOI; the coded data of scans is passed over."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if not found:
            return
        start, marker = found.start(), data[found.start() + 1]
        if marker == EOI:
            yield Segment(marker, start, start + 2)
            return
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4])
        if at < start + 4 or at > len(data):
            raise BrokenPicture("The picture is truncated: data is missing.")
        yield Segment(marker, start, at)
    raise ImageBomb("The JPEG has more segments than any real picture.")


def read_info(data: Data, limits: Limits) -> PictureInfo:
    """Reads all scans of a picture that has several, else up to the first."""
    size, turn, scans, parts = None, 1, 0, 0
    amounts: dict[str, int] = {}
    progressive = False
    for segment in segments(data):
        if segment.marker in _OTHER_FRAMES:
            raise UnsupportedPicture("Lossless and hierarchical JPEGs aren't supported.")
        if segment.marker in _FRAMES and size is None:
            size, parts = _frame(data, segment)
            progressive = segment.marker in _PROGRESSIVE
        elif segment.marker == SOS:
            scans += 1
            limits.check_scans(scans)
            if scans == 1 and not progressive and data[segment.start + 4] == parts:
                break
        elif kind := _kind(data, segment):
            amounts[kind] = amounts.get(kind, 0) + segment.end - segment.start
            limits.check_metadata(kind, amounts[kind])
            if kind == "EXIF" and amounts[kind] == segment.end - segment.start:  # the first
                turn = exif.orientation(data[segment.start + 10 : segment.end])
    if size is None or not scans:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    return PictureInfo("JPEG", *size, turn)


def read_metadata(data: Data) -> Metadata:
    exif_data = xmp = iptc = b""
    icc: dict[int, bytes] = {}
    notes: list[str] = []
    for segment in segments(data):
        if segment.marker == SOS:
            break
        payload = data[segment.start + 4 : segment.end]
        match _kind(data, segment):
            case "EXIF":
                exif_data += payload[len(_EXIF) :]
            case "XMP":
                xmp = xmp or payload[len(_XMP) :]
            case "ICC":
                icc[payload[len(_ICC)]] = payload[len(_ICC) + 2 :]
            case "IPTC":
                iptc += payload[len(_PHOTOSHOP) :]
        if segment.marker == 0xE2 and payload.startswith(_MPF):
            notes.append("further images in the file (previews or an HDR gain map) were dropped")
    profile = b"".join(icc[number] for number in sorted(icc))
    return Metadata(profile, exif_data, xmp, iptc, tuple(notes))


def strip(data: Data) -> bytes:
    """The file with JFIF's and Adobe's segments, but no other APPn, comment or trailer."""
    pieces, at = [], 0
    for segment in segments(data):
        if segment.marker == EOI:
            pieces.append(data[at : segment.end])
            return b"".join(pieces)
        if _is_application(segment.marker) and segment.marker not in (APP0, APP14):
            pieces.append(data[at : segment.start])
            at = segment.end
    return b"".join([*pieces, data[at:]])


def add_metadata(picture: bytes, kept: Metadata) -> bytes:
    at = 2
    for segment in segments(picture):
        if segment.marker not in (APP0, APP14):
            break
        at = segment.end
    return b"".join([picture[:at], write_metadata(kept), picture[at:]])


def fit_metadata(kept: Metadata, orientation: int) -> Metadata:
    if len(kept.exif) <= _MOST_EXIF:
        return kept
    turned = exif.only_orientation(orientation) if orientation > 1 else b""
    return Metadata(kept.icc, turned, kept.xmp, kept.iptc)


def write_metadata(kept: Metadata) -> bytes:
    pieces = [_EXIF + kept.exif] if kept.exif else []
    pieces += [_XMP + kept.xmp] if kept.xmp else []
    icc = [kept.icc[at : at + _ICC_PIECE] for at in range(0, len(kept.icc), _ICC_PIECE)]
    found = [_segment(0xE1, piece) for piece in pieces]
    found += [
        _segment(0xE2, _ICC + bytes((number, len(icc))) + piece)
        for number, piece in enumerate(icc, start=1)
    ]
    found += [_segment(0xED, _PHOTOSHOP + kept.iptc)] if kept.iptc else []
    return b"".join(found)


def components(data: Data) -> int:
    # 1 is grey, 3 are colours, 4 inks.
    for segment in segments(data):
        if segment.marker in _FRAMES:
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


def _is_application(marker: int) -> bool:
    return 0xE0 <= marker <= 0xEF or marker == 0xFE


def _kind(data: Data, segment: Segment) -> str:
    # Extended XMP holds depth maps and previews of many MB; it is never kept.
    head = data[segment.start + 4 : min(segment.end, segment.start + 40)]
    match segment.marker:
        case 0xE1 if head.startswith(_EXIF):
            return "EXIF"
        case 0xE1 if head.startswith(_XMP):
            return "XMP"
        case 0xE2 if head.startswith(_ICC) and len(head) > len(_ICC) + 2:
            return "ICC"
        case 0xED if head.startswith(_PHOTOSHOP):
            return "IPTC"
    return ""


def _segment(marker: int, payload: bytes) -> bytes:
    if len(payload) > 65_533:
        return b""  # it can't have come out of a JPEG, and doesn't fit into one
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2) + payload
