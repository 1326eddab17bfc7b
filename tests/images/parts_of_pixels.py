"""Files that say what their pixels mean: colours, brightness, shape, place."""

import struct

from media_processor.images.containers import nclx

from .heif_files import box, file_of, full, picture
from .part import MAKERS, SECRET, Part
from .pictures import animated, encoded, opened, photo, png_with
from .test_kept import SIZE

BRANDS = {"AVIF": b"avif\0\0\0\0avifmif1", "HEIC": b"heic\0\0\0\0mif1heic"}
BRIGHTNESS = {
    "PNG": (b"cLLI", struct.pack(">II", 10_000_000, 4_000_000)),
    "AVIF": (b"clli", struct.pack(">HH", 1000, 400)),
}
P3 = (12, 13)
POSITION = 12.5  # inches from the left of the page


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return png_with(encoded(photo(SIZE), "PNG"), *chunks)


def with_property(kind: str, added: bytes) -> bytes:
    return file_of(picture(MAKERS[kind]()).with_(added), brands=BRANDS[kind])


def in_p3(kind: str) -> bytes:
    data = MAKERS[kind]()
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", *P3) + data[at + 4 :]


def calibrated_bmp() -> bytes:
    """BITMAPV4HEADER with end points."""
    pixels = photo((64, 48)).tobytes("raw", "BGR", 0, -1)
    info = struct.pack("<IiiHHIIiiII", 108, 64, 48, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    info += bytes(16) + bytes(4) + struct.pack("<12I", *range(1, 13))
    return struct.pack("<2sIHHI", b"BM", 122 + len(pixels), 0, 0, 122) + info + pixels


def linked_bmp() -> bytes:
    """BITMAPV5HEADER that names a profile on a disk."""
    pixels, name = photo((64, 48)).tobytes("raw", "BGR", 0, -1), SECRET + b".icc\0"
    info = struct.pack("<IiiHHIIiiII", 124, 64, 48, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    info += bytes(16) + b"KNIL" + bytes(48)
    info += struct.pack("<IIII", 8, 124 + len(pixels), len(name), 0)
    size = 14 + 124 + len(pixels) + len(name)
    return struct.pack("<2sIHHI", b"BM", size, 0, 0, 138) + info + pixels + name


def has_numbers(data: bytes) -> bool:
    if data.startswith(b"BM"):
        return data[14] == 108 and any(data[74:122])
    if data[4:8] == b"ftyp":
        return nclx.unusual(data) == P3
    if data[:2] in (b"II", b"MM"):
        return opened(data).tag_v2.get(319) is not None  # type: ignore[attr-defined]
    return b"cHRM" in data and b"gAMA" in data


def described(kind: str) -> bytes:
    return with_property(kind, full(b"udes", b"en\0" + SECRET + bytes(3)))


def few_colours() -> bytes:
    return encoded(photo(SIZE).quantize(64), "GIF")


def twice_as_wide(kind: str) -> bytes:
    data = few_colours() if kind == "GIF" else MAKERS[kind]()
    if kind == "JPEG":
        return data[:13] + b"\0\0\2\0\1" + data[18:]
    if kind == "GIF":
        return data[:12] + bytes((113,)) + data[13:]  # (113 + 15) / 64
    if kind == "BMP":
        return data[:38] + struct.pack("<II", 3000, 6000) + data[46:]
    return encoded(photo(SIZE), "TIFF", tiffinfo={296: 1, 282: 1.0, 283: 2.0})


def is_twice_as_wide(data: bytes) -> bool:
    if data.startswith(b"GIF"):
        return data[12] == 113
    if data.startswith(b"BM"):
        return struct.unpack("<II", data[38:46]) == (3000, 6000)
    if data[:2] in (b"II", b"MM"):
        found = opened(data).tag_v2  # type: ignore[attr-defined]
        return bool(found[296] == 1 and found[283] == 2 * found[282])
    if data.startswith(b"\xff\xd8"):
        return data[13:18] == b"\0\0\2\0\1"
    return b"pHYs" in data or b"pasp" in data


def with_background(kind: str) -> bytes:
    if kind == "WebP":
        return animated("WEBP", 2, SIZE, background=(1, 2, 3, 255))
    data = few_colours()
    return data[:11] + b"\5" + data[12:]


def has_background(data: bytes) -> bool:
    if data.startswith(b"GIF"):
        return data[11] == 5
    return b"bKGD" in data or b"ANIM\6\0\0\0\3\2\1\xff" in data


def has_position(data: bytes) -> bool:
    if data[:2] in (b"II", b"MM"):
        return bool(opened(data).tag_v2.get(286) == POSITION)  # type: ignore[attr-defined]
    return b"oFFs" in data and b"sCAL" in data


PIXEL_PARTS = {
    "colour profile on another disk": Part(
        {"BMP": linked_bmp}, lambda data: SECRET in data, "colour profile was dropped"
    ),
    "colours described by numbers": Part(
        {
            "PNG": lambda: png((b"cHRM", bytes(range(32))), (b"gAMA", bytes(4))),
            "TIFF": lambda: encoded(photo(SIZE), "TIFF", tiffinfo={319: (0.68, 0.32) * 3}),
            "BMP": calibrated_bmp,
            "AVIF": lambda: in_p3("AVIF"),
            "HEIC": lambda: in_p3("HEIC"),
        },
        has_numbers,
        "colour calibration was dropped|colours may look different",
    ),
    "HDR brightness and mastering display": Part(
        {
            "PNG": lambda: png((b"cLLI", bytes(8)), (b"mDCV", bytes(24))),
            "AVIF": lambda: with_property("AVIF", box(b"clli", bytes(4))),
            "HEIC": lambda: with_property("HEIC", box(b"clli", bytes(4))),
        },
        lambda data: b"clli" in data or (b"cLLI" in data and b"mDCV" in data),
        r"clli \(HDR brightness\)",
    ),
    "pixel aspect ratio": Part(
        {kind: lambda kind=kind: twice_as_wide(kind) for kind in ("JPEG", "GIF", "TIFF", "BMP")}
        | {
            kind: lambda kind=kind: with_property(kind, box(b"pasp", struct.pack(">II", 2, 1)))
            for kind in ("AVIF", "HEIC")
        }
        | {"PNG": lambda: png((b"pHYs", struct.pack(">IIB", 1, 2, 0)))},
        is_twice_as_wide,
        r"pasp \(pixel aspect ratio\)",
    ),
    "background colour": Part(
        {
            "PNG": lambda: png((b"bKGD", bytes(6))),
            "WebP": lambda: with_background("WebP"),
            "GIF": lambda: with_background("GIF"),
        },
        has_background,
        "background",
    ),
    "place on a page, physical scale": Part(
        {
            "PNG": lambda: png((b"oFFs", bytes(9)), (b"sCAL", b"\x010.5\x002")),
            "TIFF": lambda: encoded(photo(SIZE), "TIFF", tiffinfo={286: POSITION}),
        },
        has_position,
    ),
    "descriptions in properties": Part(
        {
            kind: lambda kind=kind: described(kind)  # type: ignore[misc]
            for kind in ("AVIF", "HEIC")
        },
        lambda data: SECRET in data,
        r"udes \(description\)",
    ),
}
