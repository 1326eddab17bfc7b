"""The colour types that the pixels of a PNG are written in (W3C PNG, third edition, 11.2.1)."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from sys import byteorder
from typing import Protocol

from PIL import Image

from media_processor.images.animation import any_to_full, difference, part_of
from media_processor.images.containers import png
from media_processor.images.geometry import Box, corners
from media_processor.images.overlay import Overlay
from media_processor.images.palettes import ColourTable, DoesNotFit
from media_processor.images.pillow import encode_image, open_image, to_drawable, to_eight_bits

# Pillow's default (6) takes 1,040 ms for a photo of 2.7 megapixels and makes 2.56 MB.
# Level 1: 324 ms, 3.06 MB. Level 2: 323 ms, 2.99 MB. Level 3: 416 ms, 2.82 MB.
LEVEL = 2

# Rows without a filter: drawings, and what had a palette, need half the bytes, photographs more.
_UNFILTERED_LEVEL = 6
_WIDENED_LEVEL = 9  # what had fewer bits
_BAND = 256  # rows at once, which saves memory

_COLOUR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}

# So many colours let a logo look right; with fewer, those that nothing uses are taken.
_ROOM = 31
# How far the logo's may be off (root mean square of 255) where a palette has no room for them all.
_WORST = 8


@dataclass(frozen=True)
class Pixels:
    """``numbers`` (L) are those of the colours in a palette, if there is one."""

    colours: Image.Image
    numbers: Image.Image | None = None


class Samples(Protocol):
    """A way to write pixels. ``mode`` is Pillow's, with alpha, that they are composed in;
    ``coding`` what IHDR says of it."""

    mode: str
    coding: bytes

    @property
    def palette(self) -> bytes:
        """PLTE and tRNS; complete when everything is written."""

    def draw(self, picture: bytes, overlay: Overlay, icc: bytes) -> bytes:
        """A still picture with the overlay, as the content of IDAT. Raises DoesNotFit."""

    def read(self, picture: bytes) -> Pixels: ...

    def write(self, image: Image.Image, own: Image.Image, numbers: Image.Image | None) -> bytes:
        """The content of IDAT. Where ``own`` (L) is set, ``image`` has the colours of ``numbers``.

        Raises DoesNotFit if it has others that can't be written in this way.
        """


def ways(data: bytes, header: png.Header, pictures: Iterable[bytes]) -> list[Samples]:
    """The smallest first; everything fits in the last. ``pictures`` are PNGs of all that ``data``
    shows."""
    grey, alpha = ("L", "LA") if header.is_grey else ("RGB", "RGBA")
    is_opaque = header.colour not in (4, 6) and not _payload(data, b"tRNS")
    plain = [grey, alpha] if is_opaque else [alpha]
    found: list[Samples] = [*_indexed(data, header, pictures)]
    return found + [Plain(mode, header.depth) for mode in plain]


def _indexed(data: bytes, header: png.Header, pictures: Iterable[bytes]) -> "list[Indexed]":
    if header.colour != png.INDEXED:
        return []
    colours = _colours(data)[: 1 << header.depth]
    room = list(range(len(colours), 256))
    if len(room) < _ROOM:
        room += _unused(pictures, len(colours))
    return [
        Indexed(
            colours,
            [number for number in room if number < 1 << depth],
            depth,
            _UNFILTERED_LEVEL if depth == header.depth else _WIDENED_LEVEL,
        )
        for depth in sorted({header.depth, 8})
    ]


class Plain:
    """Grey or true colour, 8 bits a sample."""

    palette = b""

    def __init__(self, mode: str, depth: int) -> None:
        self._written, self._depth = mode, depth
        self.mode = "LA" if mode in ("L", "LA") else "RGBA"
        self.coding = bytes((8, _COLOUR_TYPES[mode], 0, 0, 0))

    def draw(self, picture: bytes, overlay: Overlay, icc: bytes) -> bytes:
        image = decode(picture, self._depth).convert(self._written)
        overlay.draw(image, icc)
        return _smaller(image)

    def read(self, picture: bytes) -> Pixels:
        return Pixels(decode(picture, self._depth).convert(self.mode))

    def write(
        self,
        image: Image.Image,
        own: Image.Image,  # noqa: ARG002 - as every way
        numbers: Image.Image | None,  # noqa: ARG002
    ) -> bytes:
        if self._written != self.mode and image.getchannel("A").getextrema() != (255, 255):
            raise DoesNotFit
        return _smaller(image if self._written == self.mode else image.convert(self._written))


class Indexed:
    """Numbers of colours in a palette. The source's keep their numbers."""

    mode = "RGBA"

    def __init__(self, colours: list[int], room: list[int], depth: int, level: int) -> None:
        # With less than 8 bits the logo's colours fit as they are, or there are 8.
        self._table = ColourTable(colours, room, _WORST if depth == 8 else 0)
        self._known, self._depth, self._level = len(colours), depth, level
        self.coding = bytes((depth, png.INDEXED, 0, 0, 0))

    @property
    def palette(self) -> bytes:
        colours = [colour.to_bytes(4, byteorder) for colour in self._table.colours]
        alpha = bytes(colour[3] for colour in colours).rstrip(b"\xff")
        plte = png.data_chunk(b"PLTE", b"".join(colour[:3] for colour in colours))
        return plte + (png.data_chunk(b"tRNS", alpha) if alpha else b"")

    def draw(self, picture: bytes, overlay: Overlay, icc: bytes) -> bytes:
        image, numbers = self._read(picture)
        overlay.choose(lambda box: image.crop(corners(box)).convert(self.mode))
        for top in range(0, image.height, _BAND):
            band = Box(0, top, image.width, min(_BAND, image.height - top))
            if part := part_of(band, overlay.stored):
                plain = image.crop(corners(part)).convert(self.mode)
                drawn = plain.copy()
                overlay.seen_from(part).draw(drawn, icc)
                changed = difference(plain, drawn).point(any_to_full)
                numbers.paste(self._table.numbered(drawn), corners(part), changed)
        return self._coded(numbers)

    def read(self, picture: bytes) -> Pixels:
        image, numbers = self._read(picture)
        return Pixels(image.convert(self.mode), numbers)

    def write(self, image: Image.Image, own: Image.Image, numbers: Image.Image | None) -> bytes:
        written = numbers.copy() if numbers else Image.new("L", image.size)
        others = own.point(_none_to_full)
        if area := others.getbbox():
            written.paste(self._table.numbered(image.crop(area)), area, others.crop(area))
        return self._coded(written)

    def _read(self, picture: bytes) -> tuple[Image.Image, Image.Image]:
        image, numbers = _numbers(picture)
        if any(numbers.histogram()[self._known :]):  # damage, which viewers show as they like
            raise DoesNotFit
        return image, numbers

    def _coded(self, numbers: Image.Image) -> bytes:
        indexed = Image.frombytes("P", numbers.size, numbers.tobytes())
        indexed.putpalette(bytes(768))
        options = {"bits": self._depth, "compress_level": self._level}
        return png.pixels(encode_image(indexed, "PNG", **options))


def decode(picture: bytes, depth: int) -> Image.Image:
    image = open_image(picture, "PNG")
    image.load()
    # Pillow brings the pixels to 8 bits, but not the colour that tRNS names.
    named = image.info.get("transparency")
    if image.mode in ("L", "I;16") and isinstance(named, int):
        image.info["transparency"] = named * 255 // (2**depth - 1)
    elif depth == 16 and isinstance(named, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in named)
    return to_drawable(to_eight_bits(image))


def _smaller(image: Image.Image) -> bytes:
    """With or without filters; of a large picture some rows tell which is better."""
    if image.height <= _BAND:
        return min(_filtered(image), _unfiltered(image), key=len)
    top = (image.height - _BAND // 4) // 2
    rows = image.crop((0, top, image.width, top + _BAND // 4))
    return min((_filtered, _unfiltered), key=lambda way: len(way(rows)))(image)


def _filtered(image: Image.Image) -> bytes:
    return png.pixels(encode_image(image, "PNG", compress_level=LEVEL))


def _unfiltered(image: Image.Image) -> bytes:
    stream, row = zlib.compressobj(_UNFILTERED_LEVEL), image.width * len(image.getbands())
    coded = []
    for top in range(0, image.height, _BAND):
        band = image.crop((0, top, image.width, min(top + _BAND, image.height))).tobytes()
        rows = (b"\0" + band[at : at + row] for at in range(0, len(band), row))
        coded.append(stream.compress(b"".join(rows)))
    return b"".join([*coded, stream.flush()])


def _numbers(picture: bytes) -> tuple[Image.Image, Image.Image]:
    image = open_image(picture, "PNG")
    image.load()
    return image, Image.frombytes("L", image.size, image.tobytes())


def _unused(pictures: Iterable[bytes], known: int) -> list[int]:
    unused = set(range(known))
    for picture in pictures:
        amounts = _numbers(picture)[1].histogram()
        unused = {number for number in unused if not amounts[number]}
    return sorted(unused)


def _colours(data: bytes) -> list[int]:
    plte, alpha = _payload(data, b"PLTE"), _payload(data, b"tRNS")
    colours = (plte[at : at + 3] for at in range(0, min(len(plte), 768) - 2, 3))
    return [
        int.from_bytes(colour + (alpha[number : number + 1] or b"\xff"), byteorder)
        for number, colour in enumerate(colours)
    ]


def _payload(data: bytes, name: bytes) -> bytes:
    return next(
        (data[chunk.start : chunk.end] for chunk in png.chunks(data) if chunk.name == name), b""
    )


def _none_to_full(value: int) -> int:
    return 0 if value else 255
