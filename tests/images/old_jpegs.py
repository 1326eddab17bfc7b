"""Old JPEGs in TIFFs in several parts (TIFF 6.0, section 22)."""

import struct
from typing import Literal

from PIL import Image

from .pictures import encoded, opened
from .tiffs import Tags, directory

Head = Literal["tags", "a header", "each strip"]
_PHOTOMETRIC = {"L": 1, "RGB": 6}


def parts(picture: bytes) -> tuple[dict[int, list[bytes]], bytes]:
    """The payloads of a JPEG's segments, by marker, and what follows the header of its scan."""
    found: dict[int, list[bytes]] = {}
    at = 2
    while picture[at + 1] != 0xDA:
        length = int.from_bytes(picture[at + 2 : at + 4])
        found.setdefault(picture[at + 1], []).append(picture[at + 4 : at + 2 + length])
        at += 2 + length
    return found, picture[at + 2 + int.from_bytes(picture[at + 2 : at + 4]) :]


def _tables(payloads: list[bytes], is_dc: bool | None = None) -> list[bytes]:
    """Each table without its first byte; of Huffman's those of one class."""
    found, rest = [], b"".join(payloads)
    while rest:
        size = 65 if is_dc is None else 17 + sum(rest[1:17])
        if is_dc is None or is_dc == (rest[0] < 0x10):
            found.append(rest[1:size])
        rest = rest[size:]
    return found


def old_jpeg(
    image: Image.Image,
    head: Head = "tags",
    *,
    rows: int = 64,
    subsampling: int = 2,
    restart: int = 0,
    order: str = "<",
    lossless: bool = False,
    tile: int = 0,
    planar: bool = False,
) -> tuple[bytes, Image.Image]:
    """The file, and what a decoder makes of each strip, all together."""
    strips = []
    across, down = (tile, tile) if tile else (image.width, rows)
    planes = image.split() if planar else (image,)
    seen = [Image.new(plane.mode, image.size) for plane in planes]
    for plane, made in zip(planes, seen, strict=True):
        for top in range(0, image.height, down):
            bottom = top + down if tile else min(image.height, top + down)
            for left in range(0, image.width, across):
                piece = plane.crop((left, top, left + across, bottom))
                more = {"restart_marker_blocks": restart} if restart else {}
                strips.append(encoded(piece, "JPEG", quality=90, subsampling=subsampling, **more))
                made.paste(opened(strips[-1]), (left, top))
    shown = Image.merge(image.mode, seen) if planar else seen[0]
    found, _ = parts(strips[0])
    out = bytearray(struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 0))

    def put(piece: bytes) -> int:
        out.extend(piece + bytes(len(piece) % 2))
        return len(out) - len(piece) - len(piece) % 2

    count = len(image.getbands())
    tags: Tags = {256: (image.width,), 257: (image.height,), 258: (8,) * count, 259: (6,)}
    tags |= {262: (2 if planar else _PHOTOMETRIC[image.mode],), 284: (2 if planar else 1,)}
    tags |= {277: (count,), 278: (rows,)}
    tags |= {512: (14 if lossless else 1,)}
    if count > 1 and not planar:
        tags[530] = (2, 2) if subsampling == 2 else (1, 1)
    if restart:
        tags[515] = (restart,)
    if head == "tags":
        kinds = {519: _tables(found[0xDB]), 520: _tables(found[0xC4], is_dc=True)}
        kinds[521] = _tables(found[0xC4], is_dc=False)
        for tag, tables in kinds.items():
            starts = [put(table) for table in tables]
            tags[tag] = (*starts, *starts[-1:] * count)[:count]
    elif head == "a header":
        header = strips[0][: len(strips[0]) - len(parts(strips[0])[1])]
        at = header.index(b"\xff\xc0") + 5
        header = header[:at] + image.height.to_bytes(2) + header[at + 2 :]
        tags |= {513: (put(header),), 514: (len(header),)}
    coded = [strip if head == "each strip" else parts(strip)[1][:-2] for strip in strips]
    tags[273] = tuple(put(piece) for piece in coded)
    tags[279] = tuple(map(len, coded))
    if tile:
        tags |= {322: (tile,), 323: (tile,), 324: tags.pop(273), 325: tags.pop(279)}
    struct.pack_into(order + "I", out, 4, len(out))
    kinds_of = {279: 4, 325: 4, **dict.fromkeys((273, 324, 513, 519, 520, 521), 4)}
    return bytes(out) + directory(order, tags, kinds_of, len(out), big=False), shown
