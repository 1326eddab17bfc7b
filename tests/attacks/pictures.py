"""Files that somebody might send who means harm; every one is made here, none is copied in.

Each kind says how it must end: refused at the door with a status and a code, taken and then
failed with a reason, or stored, with what was hidden in it gone.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from zipfile import ZipFile

from PIL import Image

from tests.images.pictures import (
    animated,
    encoded,
    even_grey,
    exif_with_thumbnail,
    photo,
    png_chunk,
    png_with,
)

ZIP_MARK, PHP, HTML = b"PK\3\4", b"<?php system($_GET['c']); ?>", b"<script>alert(1)</script>"


@dataclass(frozen=True)
class Attack:
    """``make`` gives the bytes; ``hides`` must not be in what is stored."""

    name: str
    make: Callable[[], bytes]
    ends: str
    status: int = 202
    hides: tuple[bytes, ...] = ()


def refused(name: str, status: int, code: str, make: Callable[[], bytes]) -> Attack:
    return Attack(name, make, code, status)


def failed(name: str, code: str, make: Callable[[], bytes]) -> Attack:
    return Attack(name, make, code)


def stored(name: str, make: Callable[[], bytes], *hides: bytes) -> Attack:
    return Attack(name, make, "stored", hides=hides)


def small(kind: str = "JPEG", **options: object) -> bytes:
    return encoded(photo((64, 48)), kind, **options)


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    fields = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", fields)


def png_of(width: int, height: int, data: bytes, colour: int = 2, *before: bytes) -> bytes:
    return (
        png_header(width, height, colour=colour)
        + b"".join(before)
        + png_chunk(b"IDAT", data)
        + png_chunk(b"IEND", b"")
    )


def png_bomb(side: int) -> bytes:
    return png_of(side, side, zlib.compress(bytes(1 << 24), 9))


def deflated_zeros(megabytes: int) -> bytes:
    press = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(press.compress(block) for _ in range(megabytes)) + press.flush()


def zeros_png(side: int, colour: int) -> bytes:
    """All of its pixels are there."""
    row = bytes(1 + side * {2: 3, 6: 4}[colour])
    press = zlib.compressobj(9)
    data = b"".join(press.compress(row) for _ in range(side)) + press.flush()
    return png_of(side, side, data, colour)


def webp_bomb(side: int = 13_000) -> bytes:
    """34 bytes for all pixels of one colour."""
    data = bytearray(encoded(Image.new("RGB", (100, 100)), "WEBP", lossless=True, method=0))
    data[21:25] = (side - 1 | side - 1 << 14).to_bytes(4, "little")
    return bytes(data)


def lottapixel() -> bytes:
    return resized_jpeg(64_250, 64_250)


def resized_jpeg(width: int, height: int) -> bytes:
    data = bytearray(small())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def many_scans(count: int, size: tuple[int, int] = (64, 48)) -> bytes:
    data = encoded(photo(size), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def long_gif(frames: int) -> bytes:
    data = encoded(Image.new("P", (16, 16)), "GIF")
    start = data.index(b"\x2c")
    return data[:start] + data[start:-1] * frames + b";"


def gif_of_giant_frames() -> bytes:
    """200 frames of 8,000 x 8,000 in 10 kB."""
    frame = b"\x2c\0\0\0\0" + struct.pack("<HH", 8000, 8000) + b"\0\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HH", 8000, 8000) + bytes(3) + frame * 200 + b";"


def text_bomb(name: bytes, head: bytes) -> bytes:
    return png_with(small("PNG"), (name, head + deflated_zeros(64)))


def many_texts(count: int) -> bytes:
    chunk = png_chunk(b"tEXt", b"a\0b")
    data = small("PNG")
    return data[:33] + chunk * count + data[33:]


def bad_crc(name: bytes) -> bytes:
    data = bytearray(small("PNG"))
    at = data.index(name)
    size = int.from_bytes(data[at - 4 : at])
    data[at + 4 + size] ^= 0xFF
    return bytes(data)


def tiff_loop() -> bytes:
    data = bytearray(small("TIFF"))
    first = int.from_bytes(data[4:8], "little")
    link = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[link : link + 4] = data[4:8]
    return bytes(data)


def tiff_with_strips_everywhere() -> bytes:
    data = bytearray(small("TIFF"))
    first = int.from_bytes(data[4:8], "little")
    for entry in range(
        first + 2, first + 2 + 12 * int.from_bytes(data[first : first + 2], "little"), 12
    ):
        if data[entry : entry + 2] == (273).to_bytes(2, "little"):
            data[entry + 8 : entry + 12] = b"\xff\xff\xff\x7f"
    return bytes(data)


def bmp(width: int, height: int, size: int = 100) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + size, 0, 0, 54) + info + bytes(size)


def zip_file() -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("evil.txt", "x" * 100)
    return file.getvalue()


def exif_loop() -> bytes:
    """IFD0 whose next directory is IFD0, at its EXIF pointer too."""
    payload = struct.pack(">2sHI", b"MM", 42, 8) + struct.pack(">H", 2)
    payload += struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x8769, 4, 1, 8)
    return small(exif=b"Exif\0\0" + payload + struct.pack(">I", 8))


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)]


def isobmff(watermark: bytes, *boxes: bytes) -> bytes:
    kind = struct.pack(">I", 20) + b"ftyp" + watermark + b"\0\0\0\0" + watermark
    return kind + b"".join(boxes)


ATTACKS = [
    refused("empty", 400, "empty_file", lambda: b""),
    refused("1 byte", 415, "unsupported_picture", lambda: b"\xff"),
    refused("JPEG magic only", 422, "broken_picture", lambda: b"\xff\xd8\xff"),
    refused("PNG magic only", 422, "broken_picture", lambda: b"\x89PNG\r\n\x1a\n"),
    refused("GIF magic only", 422, "broken_picture", lambda: b"GIF89a"),
    refused("WebP magic only", 422, "broken_picture", lambda: b"RIFF\0\0\0\0WEBP"),
    refused("TIFF magic only", 422, "broken_picture", lambda: b"II*\0"),
    refused("AVIF magic only", 422, "broken_picture", lambda: isobmff(b"avif")),
    refused("ELF as .jpg", 415, "unsupported_picture", lambda: b"\x7fELF\2\1\1" + bytes(100)),
    refused("ZIP as .jpg", 415, "unsupported_picture", zip_file),
    refused("PDF as .jpg", 415, "unsupported_picture", lambda: b"%PDF-1.7\n1 0 obj\n"),
    refused("HTML as .jpg", 415, "unsupported_picture", lambda: b"<html>" + HTML),
    stored("PNG as .jpg", lambda: small("PNG")),
    refused("lottapixel JPEG", 422, "too_many_pixels", lottapixel),
    refused("2^31-1 PNG", 422, "too_many_pixels", lambda: png_of((1 << 31) - 1, (1 << 31) - 1, b"x")),
    refused("0 x 0 PNG", 422, "broken_picture", lambda: png_of(0, 0, b"x")),
    refused("0 x 0 JPEG", 422, "broken_picture", lambda: resized_jpeg(0, 0)),
    refused("13,000² PNG", 422, "too_many_pixels", lambda: png_bomb(13_000)),
    failed("9,900² PNG of zeros, cut short", "broken_picture", lambda: png_bomb(9_900)),
    stored("9,900² PNG with alpha", lambda: zeros_png(9_900, 6)),
    stored("9,900² JPEG", lambda: encoded(Image.new("RGB", (9_900, 9_900)), "JPEG")),
    failed("34-byte WebP of 9,900²", "out_of_memory", lambda: webp_bomb(9_900)),
    failed("AVIF of 9,900²", "out_of_memory", lambda: encoded(Image.new("L", (9_900, 9_900)), "AVIF", speed=10)),
    stored("GIF of 290 frames of 580²", lambda: animated("GIF", 290, (580, 580), duration=50)),
    refused("34-byte WebP of 13,000²", 422, "too_many_pixels", webp_bomb),
    refused("BMP of 13,000²", 422, "too_many_pixels", lambda: bmp(13_000, 13_000)),
    failed("BMP of 5,000² without pixels", "broken_picture", lambda: bmp(5_000, 5_000)),
    refused("JPEG with a side of 65,501", 422, "too_many_pixels", lambda: resized_jpeg(65_501, 8)),
    stored("JPEG that says 100 times its height", lambda: resized_jpeg(64, 4800)),
    refused("progressive, 500 scans", 422, "image_bomb", lambda: many_scans(500)),
    refused("progressive, 5,000 scans", 422, "image_bomb", lambda: many_scans(5_000)),
    stored("progressive, 50 scans of 9 MP", lambda: many_scans(40, (3600, 2500))),
    refused("GIF of 25,000 frames", 422, "too_many_frames", lambda: long_gif(25_000)),
    refused("GIF of 200 giant frames", 422, "too_many_pixels", gif_of_giant_frames),
    stored("zTXt bomb", lambda: text_bomb(b"zTXt", b"a\0\0")),
    stored("iTXt bomb", lambda: text_bomb(b"iTXt", b"a\0\1\0\0\0")),
    refused("XMP bomb", 422, "image_bomb", lambda: text_bomb(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0")),
    refused("iCCP bomb", 422, "image_bomb", lambda: text_bomb(b"iCCP", b"a\0\0")),
    refused("200,000 text chunks", 422, "image_bomb", lambda: many_texts(200_000)),
    stored("900 text chunks", lambda: many_texts(900)),
    stored("300 MB of IDAT for 10 x 10", lambda: png_of(10, 10, deflated_zeros(300))),
    refused("40 MB of IDAT for 10 x 10", 422, "image_bomb", lambda: png_of(10, 10, bytes(40 << 20))),
    refused("bad CRC of IHDR", 422, "broken_picture", lambda: bad_crc(b"IHDR")),
    failed("bad CRC of IDAT", "broken_picture", lambda: bad_crc(b"IDAT")),
    failed("JPEG cut at 50 %", "broken_picture", lambda: cut(encoded(photo(), "JPEG"), 0.5)),
    failed("JPEG cut at 90 %", "broken_picture", lambda: cut(encoded(photo(), "JPEG"), 0.9)),
    refused("PNG cut at 50 %", 422, "broken_picture", lambda: cut(small("PNG"), 0.5)),
    refused("WebP cut at 90 %", 422, "broken_picture", lambda: cut(small("WEBP"), 0.9)),
    refused("GIF cut at 90 %", 422, "broken_picture", lambda: cut(small("GIF"), 0.9)),
    failed("TIFF cut at 90 %", "broken_picture", lambda: cut(small("TIFF"), 0.9)),
    refused("AVIF cut at 90 %", 422, "broken_picture", lambda: cut(small("AVIF"), 0.9)),
    refused("EPS named .png", 415, "unsupported_picture", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    refused("SVG named .png", 415, "unsupported_picture", lambda: b"<svg onload='alert(1)'/>"),
    refused("MVG named .png", 415, "unsupported_picture", lambda: b"push graphic-context\nimage over 0,0 0,0 'ephemeral:/etc/passwd'"),
    refused("PSD named .png", 415, "unsupported_picture", lambda: b"8BPS\0\1" + bytes(60)),
    refused("FITS named .png", 415, "unsupported_picture", lambda: b"SIMPLE  =                    T"),
    refused("ICNS named .png", 415, "unsupported_picture", lambda: b"icns" + bytes(60)),
    refused("MP4 named .heic", 415, "unsupported_picture", lambda: isobmff(b"isom")),
    refused("TIFF whose pages lead in a circle", 422, "broken_picture", tiff_loop),
    failed("TIFF with strips beyond its end", "broken_picture", tiff_with_strips_everywhere),
    stored("GIF and JavaScript", lambda: animated("GIF") + b"*/=1;alert(1)", b"alert(1)"),
    stored("JPEG and ZIP", lambda: small() + zip_file(), ZIP_MARK),
    stored("JPEG and HTML", lambda: small() + HTML, HTML),
    stored("JPEG with a PHP comment", lambda: small(comment=PHP)),
    stored("PNG with PHP in a text chunk", lambda: png_with(small("PNG"), (b"tEXt", b"c\0" + PHP))),
    stored("WebP and ZIP", lambda: small("WEBP") + zip_file(), ZIP_MARK),
    stored("bogus colour profile of 500 kB", lambda: small(icc_profile=bytes(range(256)) * 2000)),
    stored("colour profile of 2 MB", lambda: small(icc_profile=bytes(2 << 20))),
    refused("colour profile of 5 MB", 422, "image_bomb", lambda: small(icc_profile=bytes(5 << 20))),
    failed("JPEG of 40,000 x 20,000 that lies", "out_of_memory", lambda: even_grey(40_000, 20_000)[:9_000_000]),
    stored("EXIF that leads in a circle", exif_loop),
    stored("thumbnail that isn't watermarked", lambda: small(exif=exif_with_thumbnail(b"\xff\xd8\xff" + b"unwatermarked" * 9)), b"unwatermarked"),
]  # fmt: skip
