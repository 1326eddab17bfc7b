"""PNG and APNG (W3C PNG, third edition): a signature, then chunks with a checksum each."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from media_processor.errors import BrokenPicture, ImageBomb
from media_processor.images import exif
from media_processor.images.containers import Data, png_text
from media_processor.images.containers.png_chunks import (
    COMMON,
    OF_THE_COLOUR_TYPE,
    is_kept,
    is_lost,
    is_lost_in_conversion,
)
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import CREDENTIALS, SECOND, Metadata, note_parts, note_trailer
from media_processor.limits import Limits

SIGNATURE = b"\x89PNG\r\n\x1a\n"

INDEXED = 3

# Samples a pixel and allowed bits a sample, by colour type (table 9).
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}

_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# D65 and the primaries of sRGB (11.3.2.1), in 100,000ths.
_SRGB = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_XMP = b"XML:com.adobe.xmp\0"

_MOST_CHUNKS = 1000  # beside frames, IDAT and fdAT, of which an encoder may write one a row
_MOST_DATA_CHUNKS = 100_000


class Chunk(NamedTuple):
    """``data[start:end]`` is the payload."""

    name: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """IHDR (11.2.1)."""

    width: int
    height: int
    depth: int
    colour: int

    @property
    def is_grey(self) -> bool:
        return self.colour in (0, 4)

    @property
    def row_bytes(self) -> int:
        # Without the filter's byte.
        return (self.width * self.depth * _SAMPLES[self.colour] + 7) // 8


def chunks(data: Data) -> Iterator[Chunk]:
    at, others = 8, 0
    for _ in range(_MOST_DATA_CHUNKS):
        name = data[at + 4 : at + 8]
        start, end = at + 8, at + 8 + int.from_bytes(data[at : at + 4])
        if len(name) < 4 or end + 4 > len(data):
            raise BrokenPicture("The picture is truncated: data is missing.")
        others += name not in (b"IDAT", b"fcTL", b"fdAT")
        if others > _MOST_CHUNKS:
            break
        yield Chunk(name, start, end)
        if name == b"IEND":
            return
        at = end + 4
    raise ImageBomb("The PNG has more chunks than any real picture.")


def colour_chunks(data: Data) -> list[str]:
    """Chunks (11.3.2) that say that the colours aren't sRGB's, without an ICC profile."""
    found = {chunk.name: data[chunk.start : chunk.end] for chunk in chunks(data)}
    if b"iCCP" in found:
        return []
    names = []
    cicp = bytes(found.get(b"cICP", b""))
    if cicp and cicp[:2] not in (b"\x01\x0d", b"\x01\x01", b"\x02\x02"):
        names.append("cICP")
    gamma = int.from_bytes(found.get(b"gAMA", b""))
    if gamma and not cicp and b"sRGB" not in found and not 45_000 <= gamma <= 46_000:
        names.append("gAMA")
    primaries = bytes(found.get(b"cHRM", b""))
    if len(primaries) == 32 and not cicp and b"sRGB" not in found:
        said = (int.from_bytes(primaries[at : at + 4]) for at in range(0, 32, 4))
        if any(abs(one - other) > 100 for one, other in zip(said, _SRGB, strict=True)):
            names.append("cHRM")
    return names


def header(data: Data) -> Header:
    fields = data[16:33]
    if data[12:16] != b"IHDR" or int.from_bytes(data[8:12]) != 13 or not _is_sound(data, 16, 29):
        raise BrokenPicture("The picture's header is damaged.")
    width, height = int.from_bytes(fields[:4]), int.from_bytes(fields[4:8])
    depth, colour, compression, filters, interlace = fields[8:13]
    if (
        not 0 < width < 1 << 31
        or not 0 < height < 1 << 31
        or depth not in _DEPTHS.get(colour, ())
        or compression
        or filters
        or interlace > 1
    ):
        raise BrokenPicture("The picture's header is damaged.")
    return Header(width, height, depth, colour)


def read_info(data: Data, limits: Limits) -> PictureInfo:
    ihdr = header(data)
    turn, raw, frames, amount, promised, is_still = 0, b"", 0, 0, 0, False
    for chunk in chunks(data):
        match chunk.name:
            case b"acTL" if not amount:
                promised = promised_frames(data, chunk)
            case b"fcTL":
                frames += 1
                limits.check_frames(frames)
            case b"IDAT":
                is_still = is_still or not frames
                amount += chunk.end - chunk.start
            case b"eXIf":
                limits.check_metadata("EXIF", chunk.end - chunk.start)
                turn = exif.orientation(data[chunk.start : chunk.end])
            case b"iCCP":
                _icc(data, chunk, limits)
            case b"iTXt" if _is_xmp(data, chunk):
                _xmp(data, chunk, limits)
            case b"tEXt" | b"zTXt" | b"iTXt":
                found = png_text.raw_profile(chunk.name, data[chunk.start : chunk.end], limits)
                raw = found.exif if found and found.exif else raw
    if not amount:
        raise BrokenPicture("The picture is truncated: it has no pixel data.")
    # What deflate can't make smaller it stores, 5 bytes a block; interlacing adds filter bytes.
    most = (ihdr.row_bytes + 9) * (ihdr.height + 8) * 2
    if amount > most + (1 << 20):
        raise ImageBomb("The PNG has more data than its pixels need.")
    turn = turn or exif.orientation(raw)
    frames = min(frames, promised)
    return PictureInfo("PNG", ihdr.width, ihdr.height, turn, frames + is_still if frames else 1)


def read_metadata(data: Data, limits: Limits) -> Metadata:
    """What is damaged is passed over."""
    icc = payload = packet = b""
    unknown: list[bytes] = []
    texts = png_text.Texts(limits)
    notes, end = [], len(data)
    for chunk in chunks(data):
        match chunk.name:
            case b"eXIf":
                notes += [SECOND["EXIF"]] if payload else []
                payload = data[chunk.start : chunk.end].removeprefix(exif.PREFIX)
            case b"iCCP":
                notes += [SECOND["colour profile"]] if icc else []
                icc = _icc(data, chunk, limits)
                notes += [] if icc else ["the colour profile was dropped: it is damaged"]
            case b"iTXt" if _is_xmp(data, chunk):
                notes += [SECOND["XMP"]] if packet else []
                packet = _xmp(data, chunk, limits)
                notes += [] if packet else ["XMP was dropped: it is damaged"]
            case b"tEXt" | b"zTXt" | b"iTXt":
                texts.add(chunk.name, data[chunk.start : chunk.end])
            case b"caBX":
                notes.append(CREDENTIALS)
            case b"IEND":
                end = chunk.end + 4
            case name if is_lost(data, *chunk):
                unknown.append(name)
    notes += [SECOND["EXIF"]] if payload and texts.exif not in (b"", payload) else []
    notes += [SECOND["XMP"]] if packet and texts.xmp not in (b"", packet) else []
    notes += [*texts.notes, *note_parts("chunks", unknown, COMMON), *note_trailer(data[end:])]
    return Metadata(
        icc,
        payload or texts.exif,
        packet or texts.xmp,
        comments=tuple(texts.kept),
        notes=tuple(notes),
    )


def strip(data: Data) -> bytes:
    """The still picture alone: IHDR, palette, transparency and pixels; raises BrokenPicture."""
    kept = [chunk for chunk in chunks(data) if chunk.name in _PIXELS]
    if not all(_is_sound(data, chunk.start, chunk.end) for chunk in kept):
        raise BrokenPicture("The picture is damaged: a checksum is wrong.")
    return SIGNATURE + b"".join(data[chunk.start - 8 : chunk.end + 4] for chunk in kept)


def note_colours(source: Data, picture: bytes) -> tuple[str, ...]:
    """Of what ``add_metadata`` leaves out because the colour type has changed."""
    if header(picture) == header(source) and header(source).colour != 3:
        return ()
    names = (chunk.name for chunk in chunks(source) if chunk.name in OF_THE_COLOUR_TYPE)
    return note_parts("chunks", names, COMMON)


def note_conversion(data: Data) -> tuple[str, ...]:
    """Of what another format has no place for, beside colours, resolution and Metadata."""
    names = (chunk.name for chunk in chunks(data) if is_lost_in_conversion(data, *chunk))
    return note_parts("chunks", names, COMMON)


def add_metadata(picture: bytes, source: Data, kept: Metadata) -> bytes:
    start = 33  # behind the signature and IHDR
    same = header(picture) == header(source)
    metadata = write_metadata(source, kept, same_colours=same)
    return b"".join([picture[:start], metadata, picture[start:]])


def write_metadata(source: Data, kept: Metadata, *, same_colours: bool) -> bytes:
    """Metadata and ``source``'s colour chunks, as whole chunks."""
    found = [
        data_chunk(chunk.name, source[chunk.start : chunk.end])
        for chunk in chunks(source)
        if is_kept(source, *chunk)
        or (same_colours and chunk.name in OF_THE_COLOUR_TYPE and header(source).colour != 3)
    ]
    if kept.icc:
        found.append(data_chunk(b"iCCP", _icc_name(source) + b"\0\0" + zlib.compress(kept.icc)))
    if kept.exif:
        found.append(data_chunk(b"eXIf", kept.exif))
    if kept.xmp:
        found.append(data_chunk(b"iTXt", _XMP + bytes(4) + kept.xmp))
    found += [data_chunk(text.stored[:4], text.stored[4:]) for text in kept.comments]
    return b"".join(found)


def build(size: tuple[int, int], coding: bytes, middle: bytes) -> bytes:
    head = b"".join(side.to_bytes(4) for side in size) + coding
    return b"".join([SIGNATURE, data_chunk(b"IHDR", head), middle, data_chunk(b"IEND", b"")])


def data_chunk(name: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4) + name + payload + zlib.crc32(name + payload).to_bytes(4)


def pixels(picture: bytes) -> bytes:
    found = (chunk for chunk in chunks(picture) if chunk.name == b"IDAT")
    return b"".join(picture[chunk.start : chunk.end] for chunk in found)


def promised_frames(data: Data, chunk: Chunk) -> int:
    return int.from_bytes(data[chunk.start : min(chunk.end, chunk.start + 4)])


def _is_sound(data: Data, start: int, end: int) -> bool:
    return zlib.crc32(data[start - 4 : end]) == int.from_bytes(data[end : end + 4])


def _icc(data: Data, chunk: Chunk, limits: Limits) -> bytes:
    # A name, a null, the method, the compressed profile (11.3.2.3).
    payload = data[chunk.start : chunk.end]
    return _inflate(payload[payload.find(b"\0", 0, 80) + 2 :], "colour profile", limits)


def _icc_name(source: Data) -> bytes:
    for chunk in chunks(source):
        if chunk.name == b"iCCP" and (
            name := source[chunk.start : chunk.start + 80].split(b"\0")[0]
        ):
            return name[:79]
    return b"ICC profile"


def _is_xmp(data: Data, chunk: Chunk) -> bool:
    return data[chunk.start : chunk.start + len(_XMP)] == _XMP


def _xmp(data: Data, chunk: Chunk, limits: Limits) -> bytes:
    # Keyword, compression flag and method, language, translation, text (11.3.3.4).
    payload = data[chunk.start + len(_XMP) : chunk.end]
    parts = payload[2:].split(b"\0", 2)
    if len(parts) < 3:
        return b""
    packet = _inflate(parts[2], "XMP", limits) if payload[0] else parts[2]
    limits.check_metadata("XMP", len(packet))
    return packet


def _inflate(compressed: bytes, kind: str, limits: Limits) -> bytes:
    # At most one byte more than allowed is ever inflated.
    try:
        found = zlib.decompressobj().decompress(compressed, limits.most(kind) + 1)
    except zlib.error:
        return b""
    limits.check_metadata(kind, len(found))
    return found
