"""Old JPEGs (TIFF 6.0, section 22) as those of today (Technical Note 2).

One is either a whole JPEG that tag 513 leads to, or in parts: coded data in strips or tiles, and
the tables in tags 519 to 521, in a JPEG header that 513 leads to, or in front of the data.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from media_processor.errors import BrokenPicture, UnsupportedPicture
from media_processor.images.containers import jpeg, tiff_tags
from media_processor.images.containers.tiff_directory import (
    LONG,
    SHORT,
    DirectoryReader,
    Tag,
    numbers,
)

_SOI, _EOI, _DRI = b"\xff\xd8", b"\xff\xd9", 0xDD
_BASELINE, _EXTENDED = 0xC0, 0xC1
_LOSSLESS = 14
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(frozen=True)
class _Stream:
    """The segments of a JPEG up to its first scan, those that are there, and the data behind."""

    tables: bytes = b""
    restart: bytes = b""
    frame: bytes = b""
    scan: bytes = b""
    coded: bytes = b""

    @property
    def components(self) -> int:
        return self.frame[9]


class OldJpeg:
    """Raises UnsupportedPicture if it is of no known kind. No coded data is read before
    ``renew``."""

    def __init__(self, tiff: DirectoryReader, tags: dict[int, Tag]) -> None:
        self._tiff, self._tags = tiff, tags
        if self._number(tiff_tags.OLD_JPEG_PROCESS) == _LOSSLESS:
            raise _not_taken("that is lossless")
        start = self._number(tiff_tags.OLD_JPEG_START)
        end = start + (self._number(tiff_tags.OLD_JPEG_LENGTH) or len(tiff.data))
        self._whole = tiff.data[start:end] if start else b""
        self._head = _read(self._whole) if self._whole.startswith(_SOI) else _Stream()
        tag = tiff_tags.TILE_OFFSETS if self._is_tiled else tiff_tags.OFFSETS
        starts = tiff.values(tags, tag)
        is_inside = len(starts) < 2 or starts[0] < end
        self._is_whole = is_inside and bool(self._head.frame and self._head.coded)
        if not self._is_whole and not self._head.tables:
            first = starts[0] if starts else 0
            if not _has_marker(tiff.data[first : first + 2]):
                self._head = self._head_of_tags()

    def renew(self, pieces: Iterable[bytes]) -> tuple[dict[int, Tag], tuple[bytes, ...]]:
        """The tags and pixels of today; ``pieces`` are its strips or tiles."""
        order = self._tiff.order
        kept = {n: tag for n, tag in self._tags.items() if n not in tiff_tags.OLD_JPEG_TAGS}
        kept[tiff_tags.COMPRESSION] = numbers(order, SHORT, tiff_tags.JPEG)
        if self._is_whole:
            frame = self._head.frame
            whole = _up_to_end(self._whole).replace(frame, _plain(frame), 1)
            made: tuple[bytes, ...] = (whole,)
            kept[tiff_tags.ROWS] = numbers(order, LONG, self._number(tiff_tags.HEIGHT))
        else:
            streams = list(self._streams(pieces))
            frame = streams[0].frame
            made = tuple(_join(stream) for stream in streams)
            if shared := self._head.tables:
                kept[tiff_tags.JPEG_TABLES] = Tag(7, len(shared) + 4, _SOI + shared + _EOI)
        if not self._is_planar:  # its writer may have left out what the JPEG says
            samples = frame[9]
            kept[tiff_tags.SAMPLES] = numbers(order, SHORT, samples)
            kept[tiff_tags.BITS] = numbers(order, SHORT, *[8] * samples)
            if samples > 1:
                sampling = frame[11] >> 4, frame[11] & 15
                kept[tiff_tags.SUBSAMPLING] = numbers(order, SHORT, *sampling)
        return kept, made

    def _streams(self, pieces: Iterable[bytes]) -> Iterator[_Stream]:
        """Each piece as a JPEG for itself, but for the tables that all share."""
        width, height = self._number(tiff_tags.WIDTH), self._number(tiff_tags.HEIGHT)
        rows = min(self._number(tiff_tags.ROWS) or height, height)
        strips = -(-height // rows)
        if self._is_tiled:
            width, rows = self._number(tiff_tags.TILE_WIDTH), self._number(tiff_tags.TILE_HEIGHT)
        for number, piece in enumerate(pieces):
            own = _read(piece) if _has_marker(piece[:2]) else _Stream(coded=piece)
            plane = number // strips if self._is_planar and not self._is_tiled else 0
            frame = own.frame or self._head.frame
            scan = own.scan or self._head.scan
            if not frame or not scan:
                raise BrokenPicture("The picture is damaged: its JPEG lacks a header.")
            if self._is_planar and not own.frame:
                frame, scan = _only(frame, scan, plane)
            down = rows
            if not self._is_tiled:
                down = min(rows, height - number % strips * rows)
                if strips > 1 and rows % (8 * _most_down(frame)):
                    raise _not_taken("whose strips end within a block")
            coded = own.coded.partition(_EOI)[0]
            restart = own.restart or self._head.restart
            if restart:
                coded = _renumbered(coded)
            frame = _sized(_plain(frame), width, down)
            yield _Stream(own.tables, restart, frame, scan, coded)

    def _head_of_tags(self) -> _Stream:
        """What tags 515 and 519 to 521 say, and the offsets in them lead to."""
        count = max(1, self._number(tiff_tags.SAMPLES))
        kinds = (
            (jpeg.DQT, self._tables(tiff_tags.OLD_JPEG_QUANTISATION, count), 0),
            (jpeg.DHT, self._tables(tiff_tags.OLD_JPEG_DC, count), 0),
            (jpeg.DHT, self._tables(tiff_tags.OLD_JPEG_AC, count), 0x10),
        )
        segments, chosen = b"", []
        for marker, tables, kind in kinds:
            different = list(dict.fromkeys(tables))
            chosen.append([different.index(table) for table in tables])
            for number, table in enumerate(different):
                segments += _segment(marker, bytes([kind | number]) + table)
        sampling = 0x11
        if self._number(tiff_tags.PHOTOMETRIC) == tiff_tags.YCBCR and count > 1:
            across, down = (*self._tiff.values(self._tags, tiff_tags.SUBSAMPLING), 2, 2)[:2]
            sampling = (across & 15) << 4 | down & 15
        marker = _EXTENDED if max(*chosen[1], *chosen[2]) > 1 else _BASELINE
        parts = enumerate(zip(*chosen, strict=True), 1)
        frame, scan = bytes([8, 0, 0, 0, 0, count]), bytes([count])
        for number, (quantisation, dc, ac) in parts:
            frame += bytes([number, sampling if number == 1 else 0x11, quantisation])
            scan += bytes([number, dc << 4 | ac])
        interval = self._number(tiff_tags.OLD_JPEG_RESTART)
        restart = _segment(_DRI, interval.to_bytes(2)) if interval else b""
        scan += bytes([0, 63, 0])
        return _Stream(segments, restart, _segment(marker, frame), _segment(jpeg.SOS, scan))

    def _tables(self, tag: int, count: int) -> list[bytes]:
        """One for each component, as in a DQT or DHT but for its first byte."""
        starts = self._tiff.values(self._tags, tag)
        if not starts or count > 4:
            raise _not_taken("without its tables")
        tables = []
        for start in (*starts, *starts[-1:] * count)[:count]:
            size = 64
            if tag != tiff_tags.OLD_JPEG_QUANTISATION:
                size = 16 + sum(self._tiff.data[start : start + 16])
            if start + size > len(self._tiff.data):
                raise BrokenPicture("The picture is truncated: data is missing.")
            tables.append(self._tiff.data[start : start + size])
        return tables

    def _number(self, tag: int) -> int:
        return self._tiff.number(self._tags, tag)

    @property
    def _is_tiled(self) -> bool:
        return tiff_tags.TILE_OFFSETS in self._tags

    @property
    def _is_planar(self) -> bool:
        return self._number(tiff_tags.PLANAR) == 2 and self._number(tiff_tags.SAMPLES) > 1


def _read(piece: bytes) -> _Stream:
    whole = piece if piece.startswith(_SOI) else _SOI + piece
    tables, restart, frame = b"", b"", b""
    for part in jpeg.segments(whole):
        segment = whole[part.start : part.end]
        if part.marker == jpeg.SOS:
            return _Stream(tables, restart, frame, segment, whole[part.end :])
        if part.marker in (jpeg.DQT, jpeg.DHT):
            tables += segment
        elif part.marker == _DRI:
            restart = segment
        elif part.marker in jpeg.FRAMES:
            frame = segment
    return _Stream(tables, restart, frame)


def _has_marker(start: bytes) -> bool:
    """Whether a strip begins with a segment rather than with coded data."""
    return start[:1] == b"\xff" and start[1:] not in (b"", b"\0") and not _RESTART.match(start)


def _up_to_end(whole: bytes) -> bytes:
    *_, last = jpeg.segments(whole)
    return whole[: last.end] if last.marker == jpeg.EOI else whole


def _join(stream: _Stream) -> bytes:
    parts = (stream.tables, stream.restart, stream.frame, stream.scan, stream.coded)
    return _SOI + b"".join(parts) + _EOI


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload


def _sized(frame: bytes, width: int, height: int) -> bytes:
    # T.81, B.2.2.
    return frame[:5] + height.to_bytes(2) + width.to_bytes(2) + frame[9:]


def _only(frame: bytes, scan: bytes, component: int) -> tuple[bytes, bytes]:
    """The headers of one component, whose samples lie in a plane of their own."""
    number, _, table = frame[10 + 3 * component :][:3]
    coding = scan[5 + 2 * component :][:2]
    return (
        _segment(frame[1], frame[4:9] + bytes([1, number, 0x11, table])),
        _segment(jpeg.SOS, b"\1" + coding + bytes([0, 63, 0])),
    )


def _most_down(frame: bytes) -> int:
    return max(factors & 15 for factors in _plain(frame)[11::3])


def _plain(frame: bytes) -> bytes:
    """With factors of 1 for one component alone, where they mean nothing and libtiff minds."""
    return frame[:11] + b"\x11" + frame[12:] if frame[9] == 1 else frame


def _renumbered(coded: bytes) -> bytes:
    """With restart markers counted from 0, as if no other strip were before; none at the end."""
    seen = count()
    coded = _RESTART.sub(lambda _: bytes([0xFF, 0xD0 + next(seen) % 8]), coded)
    return coded[:-2] if _RESTART.match(coded[-2:]) else coded


def _not_taken(which: str) -> UnsupportedPicture:
    return UnsupportedPicture(f"TIFFs with an old JPEG {which} aren't supported.")
