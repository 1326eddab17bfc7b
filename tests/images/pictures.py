"""Small real pictures for the tests, and what to measure on them."""

import math
import struct
import zlib
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pillow_heif
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from media_processor.formats import FORMATS
from media_processor.images.geometry import Box
from media_processor.images.logo import Logo
from media_processor.limits import Limits

Size = tuple[int, int]

LIMITS = Limits(pixels=50_000_000)
QUARTERS = ((220, 30, 30), (30, 180, 40), (40, 60, 220), (230, 200, 20))


WRITABLE = tuple(each.name for each in FORMATS if not each.comes_out_as)
"""Pillow's names of the formats that come out as they came in."""


def quartered_logo(size: Size = (60, 30), alpha: int = 255) -> Logo:
    """Red, green / blue, yellow: tells whether it is turned or mirrored."""
    small = Image.new("RGBA", (2, 2))
    small.putdata([(*colour, alpha) for colour in QUARTERS])
    return Logo(small.resize(size, Image.Resampling.NEAREST), "0" * 64)


def photo(size: Size = (400, 300), mode: str = "RGB") -> Image.Image:
    """Smooth lumps of colour with some grain, the same for the same size."""
    random = Random(size[0] * 10_000 + size[1])
    bands = []
    for _ in Image.new(mode, (1, 1)).getbands():
        lumps = Image.frombytes("L", (6, 5), random.randbytes(30))
        grain = Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
        smooth = lumps.resize(size, Image.Resampling.BICUBIC)
        bands.append(Image.blend(smooth, grain, 0.05))
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def even_grey(width: int, height: int) -> bytes:
    """A JPEG of four blocks in three bytes, each without a difference to the one before: Huffman
    codes 00 and 1010 of the standard's tables."""
    small = encoded(Image.new("L", (8, 8)), "JPEG")
    at, scan = small.index(b"\xff\xc0") + 5, small.index(b"\xff\xda")
    start = scan + 2 + int.from_bytes(small[scan + 2 : scan + 4])
    head = small[:at] + height.to_bytes(2) + width.to_bytes(2) + small[at + 4 : start]
    return head + b"\x28\xa2\x8a" * (width * height // 256) + b"\xff\xd9"


def frames_of(count: int, size: Size = (64, 48), mode: str = "RGBA") -> list[Image.Image]:
    ground = photo(size).convert("RGB").quantize(64).convert("RGBA")
    frames = []
    for number in range(count):
        frame = ground.copy()
        frame.paste((255, 0, number * 20, 255), (4 + 9 * number, 8, 16 + 9 * number, 20))
        frames.append(frame.convert(mode))
    return frames


def animated(kind: str, frames: int = 3, size: Size = (64, 48), **options: Any) -> bytes:
    first, *others = frames_of(frames, size)
    durations = {} if kind == "TIFF" else {"duration": [100 + 20 * n for n in range(frames)]}
    return encoded(
        first, kind, **({"save_all": True, "append_images": others} | durations | options)
    )


def heic(image: Image.Image | None = None, **options: Any) -> bytes:
    # A library that also writes, which the software doesn't need.
    file = BytesIO()
    pillow_heif.from_pillow(image or photo((64, 48))).save(file, **options)
    return file.getvalue()


def opened(data: bytes | Path) -> Image.Image:
    image = Image.open(BytesIO(data) if isinstance(data, bytes) else data)
    image.load()
    return image


def damaged(data: bytes, random: Random) -> bytes:
    noise = bytearray(data)
    for _ in range(random.randint(1, 4)):
        reach = len(noise) if random.random() < 0.4 else min(len(noise), 300)
        at = random.randrange(reach) if reach else 0
        length = random.choice((1, 1, 1, 2, 4, 8))
        match random.randrange(5):
            case 0:
                noise[at : at + length] = random.randbytes(length)
            case 1:
                noise[at : at + length] = random.choice((b"\0", b"\xff", b"\x7f")) * length
            case 2:
                noise[at:at] = random.randbytes(length)
            case 3 if noise:
                noise[at] ^= 1 << random.randrange(8)
            case _:
                del noise[at : at + random.choice((1, 2, 30))]
    return bytes(noise)


def displayed(data: bytes | Path) -> Image.Image:
    return ImageOps.exif_transpose(opened(data))


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_with_thumbnail(thumbnail: bytes, orientation: int = 1, tail: bytes = b"") -> bytes:
    """Big-endian EXIF whose MakerNote-like value lies before IFD1; ``tail`` after all."""
    note = b"MAKERNOTE at a fixed place"
    ifd1 = 8 + 2 + 2 * 12 + 4 + len(note)
    image = ifd1 + 2 + 2 * 12 + 4
    return b"Exif\0\0" + b"".join(
        [
            struct.pack(">2sHI", b"MM", 42, 8),
            struct.pack(">H", 2),
            struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0),
            struct.pack(">HHII", 0x010E, 2, len(note), 38),
            struct.pack(">I", ifd1),
            note,
            struct.pack(">H", 2),
            struct.pack(">HHII", 0x0201, 4, 1, image),
            struct.pack(">HHII", 0x0202, 4, 1, len(thumbnail)),
            struct.pack(">I", 0),
            thumbnail,
            tail,
        ]
    )


def orientation_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(png: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    extra = b"".join(png_chunk(name, data) for name, data in chunks)
    return png[:33] + extra + png[33:]


def png_16_bit_grey(size: Size) -> Image.Image:
    """A ramp that uses the low byte of its 16 bits."""
    values = [(x * 251 + y * 7919) % 65536 for y in range(size[1]) for x in range(size[0])]
    return Image.frombytes("I;16", size, struct.pack(f"<{len(values)}H", *values))


def logo_area(box: Box, around: int = 0) -> tuple[int, int, int, int]:
    return (
        box.left - around,
        box.top - around,
        box.left + box.width + around,
        box.top + box.height + around,
    )


def psnr_outside(before: Image.Image, after: Image.Image, box: Box, around: int) -> float:
    """In dB, of everything farther than ``around`` px from the box."""
    keep = Image.new("L", before.size, 255)
    keep.paste(0, logo_area(box, around))
    stat = ImageStat.Stat(ImageChops.difference(before, after), keep)
    error = sum(stat.sum2) / sum(stat.count)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def is_same_outside(before: Image.Image, after: Image.Image, box: Box) -> bool:
    assert before.mode == after.mode
    before, after = before.copy(), after.copy()
    blank = Image.new(before.mode, (box.width, box.height))
    for image in (before, after):
        image.paste(blank, (box.left, box.top))
    return before.tobytes() == after.tobytes()


def quarters(image: Image.Image, box: Box) -> list[tuple[int, int, int]]:
    """The colours in the middle of the box's four quarters, in reading order."""
    rgb = image.convert("RGB")
    found = []
    for row in (1, 3):
        for column in (1, 3):
            at = (box.left + box.width * column // 4, box.top + box.height * row // 4)
            pixel = rgb.getpixel(at)
            assert isinstance(pixel, tuple)
            found.append((pixel[0], pixel[1], pixel[2]))
    return found


def is_near(found: tuple[int, ...], wanted: tuple[int, ...], by: int) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))
