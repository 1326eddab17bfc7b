"""Checks a result before it is kept: its structure to the end, its pixels where that is cheap.

Unlike a source, which is taken with small faults, a result has none. docs/formats.md says how far
each format is read, and what that costs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32, decompressobj

from media_processor.errors import BrokenPicture, PictureError, WrongResult
from media_processor.images.codecs import Method
from media_processor.images.containers import (
    Data,
    apng,
    appended,
    gif,
    jpeg,
    png,
    tiff,
    tiff_tags,
    webp,
)
from media_processor.images.containers.tiff_directory import DirectoryReader, Tag
from media_processor.images.info import PictureInfo
from media_processor.images.pillow import open_image
from media_processor.images.probe import guarded, read_header
from media_processor.limits import Limits

T = TypeVar("T")

# What came in kept to the limits; what comes out may be a little larger.
_ENDLESS = 1 << 60
_WITHOUT_LIMITS = Limits(
    pixels=_ENDLESS,
    spliced=_ENDLESS,
    side=_ENDLESS,
    frames=_ENDLESS,
    scans=_ENDLESS,
    profile=_ENDLESS,
    metadata=_ENDLESS,
    memory=_ENDLESS,
)

_PIECE = 1 << 15  # of deflated data, so at most 32 MiB inflated
# Of a spliced scan: where the logo usually lies, in 1 % of the splice's time.
_LOOKED_THROUGH = 1 << 17
_START, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_MOST_FILTERS = 4  # PNG, 9.2


@dataclass(frozen=True)
class _Made:
    """``file`` opens, and is ``info`` by its header."""

    file: Data
    info: PictureInfo
    is_spliced: bool


def check_result(result: Path, expected: PictureInfo, method: Method = "decode") -> None:
    """Raise WrongResult unless ``result`` is whole and is what was ``expected``."""
    try:
        with (
            result.open("rb") as file,
            guarded("its pixels can't be decoded."),
            mmap(file.fileno(), 0, access=ACCESS_READ) as data,
        ):
            found = read_header(data, _WITHOUT_LIMITS)
            _compare(found, expected)
            walk = _WALKS.get(found.format)
            if walk and method != "skip":  # the source itself, whose faults were accepted
                walk(_Made(data, found, method == "splice"))
    except PictureError as error:
        raise WrongResult(f"The watermarked picture is damaged: {error.detail}") from None


def _compare(found: PictureInfo, expected: PictureInfo) -> None:
    if found.kind.has_pages:  # previews among them go
        found = replace(found, frames=expected.frames)
    if found != expected:
        raise WrongResult(
            f"The watermarked picture came out as {found.described}, not as {expected.described}."
        )


def _ends(frames: tuple[T, ...]) -> tuple[T, ...]:
    # All would take more than a tenth of the time of making them.
    return frames if len(frames) < 3 else (frames[0], frames[-1])


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise BrokenPicture(otherwise)


def _jpeg(made: _Made) -> None:
    data, end = made.file, len(made.file)
    for start, stop in sorted(_parts_behind(data), reverse=True):
        _require(stop == end, "its parts don't follow each other.")
        end = start
    _require(data[end - 2 : end] == _END_OF_IMAGE, "it has no end marker.")
    last = None
    for last in jpeg.up_to_only_scan(data):
        if last.marker == jpeg.EOI:
            _require(last.end == end, "it ends before its end.")
            return
    _require(last and last.marker == jpeg.SOS, "it has no pixels.")
    if last:
        looked = [(last.end, end - 2)]
        if made.is_spliced:
            looked = [(last.end, min(end - 2, last.end + _LOOKED_THROUGH))]
        _require(not any(jpeg.marker_in(data, *where) for where in looked), "its scan is broken.")


def _parts_behind(data: Data) -> list[appended.Range]:
    index, *_ = appended.announced(data)
    parts = [picture.place for picture in index[1:]]
    # Most often an index names them all; looking for them takes 2 % of a splice's time more.
    _require(all(data[at : at + 2] == _START for at, _ in parts), "a part has no start.")
    if parts and parts[-1][1] == len(data):
        return parts
    return list(appended.read(data, _WITHOUT_LIMITS).known)


def _png(made: _Made) -> None:
    data, end, number = made.file, 8, 0
    for chunk in png.chunks(data):
        end = chunk.end + 4
        if not (made.is_spliced and chunk.name == b"IDAT"):
            _require(_checksum(data, chunk) == data[chunk.end : end], "a checksum is wrong.")
        if chunk.name in (b"fcTL", b"fdAT"):
            follows = int.from_bytes(data[chunk.start : chunk.start + 4]) == number
            _require(follows, "its frames are out of order.")
            number += 1
    _require(end == len(data), "something follows its end.")
    if made.is_spliced:  # inflating it takes longer than the splice
        return
    header = png.header(data)
    if made.info.frames < 2:
        _inflate(png.pixels(data[:]), header)
        return
    animation = apng.animation(data)
    if animation.still:
        _inflate(animation.still, header)
    for frame, coded in _ends(animation.frames):
        _inflate(coded, replace(header, width=frame.width, height=frame.height))


def _checksum(data: Data, chunk: png.Chunk) -> bytes:
    return crc32(data[chunk.start - 4 : chunk.end]).to_bytes(4)


def _inflate(coded: bytes, header: png.Header) -> None:
    """A row is a filter's number and its samples (PNG, 7.2); none of ours is interlaced."""
    length, row = 0, header.row_bytes + 1
    for piece in _inflated(coded):
        filters = piece[-length % row :: row]
        _require(not filters or max(filters) <= _MOST_FILTERS, "a row has an unknown filter.")
        length += len(piece)
    _require(length == row * header.height, "its rows are incomplete.")


def _inflated(coded: bytes) -> Iterator[bytes]:
    """In pieces; raises BrokenPicture if it has no end, or something follows that."""
    stream = decompressobj()
    for at in range(0, len(coded), _PIECE):
        yield stream.decompress(coded[at : at + _PIECE])
    _require(stream.eof and not stream.unused_data, "its rows are incomplete.")


def _webp(made: _Made) -> None:
    data, size = made.file, (made.info.width, made.info.height)
    _require(8 + int.from_bytes(data[4:8], "little") == len(data), "its length is wrong.")
    chunks = list(_contiguous(data, 12, len(data)))
    frames = [chunk for chunk in chunks if chunk.name == b"ANMF"]
    if not frames:
        _webp_pixels(data, chunks, size)
    for chunk, frame in zip(frames, webp.frames(data), strict=True):
        place = frame.place
        fits = place.left + place.width <= size[0] and place.top + place.height <= size[1]
        _require(fits, "a frame lies beyond the picture.")
        parts = list(_contiguous(data, chunk.start + 16, chunk.end))
        at = chunk.start + 6  # 2.7.1.1: behind its place
        width, height = (int.from_bytes(data[n : n + 3], "little") + 1 for n in (at, at + 3))
        _webp_pixels(data, parts, (width, height))


def _contiguous(data: Data, start: int, end: int) -> Iterator[webp.Chunk]:
    for chunk in webp.chunks(data, start, end):
        start = chunk.end + (chunk.end - chunk.start) % 2
        yield chunk
    _require(start == end, "its chunks don't fill it.")


def _webp_pixels(data: Data, chunks: list[webp.Chunk], size: tuple[int, int]) -> None:
    coded = [chunk for chunk in chunks if chunk.name in (b"VP8 ", b"VP8L")]
    _require(len(coded) == 1, "a frame has no pixels.")
    (chunk,) = coded
    head = data[chunk.start : chunk.start + 10]
    _require(webp.size_of(chunk.name, head) == size, "a frame has another size than it says.")
    if chunk.name == b"VP8 ":  # RFC 6386, 9.1: a key frame, and where its first part ends
        tag = int.from_bytes(head[:3], "little")
        _require(not tag & 1 and 10 + (tag >> 5) < chunk.end - chunk.start, "a frame is cut off.")


def _gif(made: _Made) -> None:
    data = made.file
    found = gif.read(data, _WITHOUT_LIMITS)
    is_whole = data[-1:] == gif.END and not found.metadata.notes
    _require(is_whole, "its blocks don't lead to its end.")
    for frame in found.frames:
        _require(frame.palette or found.palette, "a frame has no colours.")
    for frame in _ends(found.frames):
        open_image(gif.still(frame), "GIF").load()


def _tiff(made: _Made) -> None:
    reader = DirectoryReader(made.file)
    at, is_first = reader.first, True
    while at:
        directory = reader.directory(at)
        _require(not directory.lost, "a tag leads beyond its end.")
        pieces = _pieces(reader, directory.tags)
        if is_first:
            _tiff_pixels(reader, directory.tags, pieces)
        at, is_first = directory.link, False


def _pieces(reader: DirectoryReader, tags: dict[int, Tag]) -> list[tuple[int, int]]:
    where, sizes = tiff.pixel_tags(tags)
    starts, lengths = reader.values(tags, where), reader.values(tags, sizes)
    _require(starts and len(starts) == len(lengths), "a page has no pixels.")
    pieces = [(at, at + length) for at, length in zip(starts, lengths, strict=True)]
    fits = all(8 <= start <= stop <= len(reader.data) for start, stop in pieces)
    _require(fits, "a page's pixels lie beyond its end.")
    return pieces


def _tiff_pixels(
    reader: DirectoryReader, tags: dict[int, Tag], pieces: list[tuple[int, int]]
) -> None:
    """Of the first page; the others are the source's."""
    data, coding = reader.data, reader.number(tags, tiff_tags.COMPRESSION, tiff_tags.UNCOMPRESSED)
    if coding == tiff_tags.JPEG:
        for start, stop in pieces:
            ends = data[start : start + 2], data[stop - 2 : stop]
            _require(ends == (b"\xff\xd8", _END_OF_IMAGE), "a part of its pixels is cut off.")
    elif (
        tiff_tags.OFFSETS in tags and reader.number(tags, tiff_tags.PHOTOMETRIC) != tiff_tags.YCBCR
    ):
        rows = _strip_rows(reader, tags)
        _require(len(rows) == len(pieces), "rows are missing.")
        for number in range(len(rows)):
            start, stop = pieces[number]
            if coding == tiff_tags.UNCOMPRESSED:
                _require(stop - start == rows[number], "rows are missing.")
            elif coding == tiff_tags.DEFLATE and number in (0, len(rows) - 1):
                length = sum(len(piece) for piece in _inflated(data[start:stop]))
                _require(length == rows[number], "rows are missing.")


def _strip_rows(reader: DirectoryReader, tags: dict[int, Tag]) -> list[int]:
    """The bytes of each strip, as it is inflated."""
    height = reader.number(tags, tiff_tags.HEIGHT)
    each = min(reader.number(tags, tiff_tags.ROWS, height), height)
    bits = reader.number(tags, tiff_tags.BITS, 1) * reader.number(tags, tiff_tags.SAMPLES, 1)
    row = (reader.number(tags, tiff_tags.WIDTH) * bits + 7) // 8
    return [row * min(each, height - top) for top in range(0, height, each)]


def _bmp(made: _Made) -> None:
    """Ours are uncompressed (or bit fields), their rows padded to 4 bytes."""
    data = made.file
    declared, start = (int.from_bytes(data[at : at + 4], "little") for at in (2, 10))
    row = (made.info.width * int.from_bytes(data[28:30], "little") + 31) // 32 * 4
    is_whole = declared == len(data) == start + row * made.info.height
    _require(is_whole, "rows are missing.")


def _avif(made: _Made) -> None:
    image: Any = open_image(made.file[:], "AVIF")
    _require(image.n_frames >= made.info.frames, "frames are missing.")
    for number in range(image.n_frames):
        image.seek(number)
        image.load()


_WALKS: dict[str, Callable[[_Made], None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "TIFF": _tiff,
    "BMP": _bmp,
    "AVIF": _avif,
}
