"""Files with everything in them that isn't pixels: a maker for each part and format."""

import struct
import zlib
from dataclasses import replace

from PIL import Image

from media_processor.images.containers import tiff
from media_processor.images.containers.tiff_directory import LONG, numbers
from media_processor.limits import Limits

from .hdr_files import (
    VIDEO,
    apple,
    directory,
    grown,
    iphone_heic,
    motion_photo,
    sef,
    segment,
    ultra_hdr,
    xmp_packet,
)
from .heif_files import file_of, picture
from .part import KINDS, MAKERS, SECRET, Part, box, holds, jpeg, of_column, webp_with
from .parts_of_pixels import PIXEL_PARTS
from .pictures import (
    encoded,
    exif_with_thumbnail,
    opened,
    photo,
    png_with,
)
from .test_kept import COLUMNS, ICC, IPTC, SIZE, gif_with, icc_of

THUMBNAIL = encoded(photo((40, 30)), "JPEG")
PREVIEW_EXIF = exif_with_thumbnail(THUMBNAIL, 1)
CREDENTIALS_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def resource(number: int, payload: bytes) -> bytes:
    padded = payload + bytes(len(payload) % 2)
    return b"8BIM" + number.to_bytes(2) + b"\0\0" + len(payload).to_bytes(4) + padded


def raw_profile(keyword: bytes, payload: bytes, name: bytes = b"exif") -> tuple[bytes, bytes]:
    digits = payload.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = b"\n%s\n%8d\n%s\n" % (name, len(payload), lines)
    return b"zTXt", b"Raw profile type %s\0\0" % keyword + zlib.compress(text)


def tagged_exif() -> bytes:
    made = Image.Exif()
    made[0x010F], made[0x0112] = "A camera", 6
    return made.tobytes()


def tiff_with_preview() -> bytes:
    data = encoded(photo(SIZE), "TIFF", save_all=True, append_images=[Image.new("L", (40, 30), 77)])
    first, second = tiff.pages(data, Limits())
    reduced = replace(second, tags=second.tags | {254: numbers("<", LONG, 1)})
    return tiff.write("<", [first, reduced])


def bmp_with_profile() -> bytes:
    """BITMAPV5HEADER, with an embedded profile behind the pixels."""
    pixels = photo((64, 48)).tobytes("raw", "BGR", 0, -1)
    info = struct.pack("<IiiHHIIiiII", 124, 64, 48, 1, 24, 0, len(pixels), 0, 0, 0, 0)
    info += bytes(16) + b"DEBM" + bytes(48)
    info += struct.pack("<IIII", 8, 124 + len(pixels), len(ICC), 0)
    head = struct.pack("<2sIHHI", b"BM", 14 + 124 + len(pixels) + len(ICC), 0, 0, 138)
    return head + info + pixels + ICC


def avif_with_preview() -> bytes:
    # Pillow writes EXIF anew, without a thumbnail.
    payload, made = PREVIEW_EXIF.removeprefix(b"Exif\0\0"), Image.Exif()
    made[0x010E] = "x" * (len(payload) - 27)
    filler = made.tobytes().removeprefix(b"Exif\0\0")
    data = MAKERS["AVIF"](exif=made.tobytes())
    assert filler in data
    return data.replace(filler, payload.ljust(len(filler), b"\0"))


def bmp_with_gap() -> bytes:
    data = MAKERS["BMP"]()
    return data[:10] + struct.pack("<I", 54 + len(SECRET)) + data[14:54] + SECRET + data[54:]


def iptc_part() -> Part:
    column, digits = of_column("IPTC"), IPTC.hex().encode()
    chunk = raw_profile(b"iptc", resource(0x0404, IPTC), b"iptc")
    png = {"PNG": lambda: png_with(encoded(photo(SIZE), "PNG"), chunk)}
    return replace(
        column,
        make=column.make | png,
        is_there=lambda data: column.is_there(data) or digits in texts_of(data),
    )


def texts_of(data: bytes) -> bytes:
    texts = getattr(opened(data), "text", {})
    return "".join("".join(text.split()) for text in texts.values()).encode()


def second_page() -> Image.Image:
    image = Image.new("L", (16, 1))
    image.frombytes(SECRET)
    return image


def with_second_picture(kind: str) -> bytes:
    first = picture(MAKERS[kind]())
    brands = {"AVIF": b"avif\0\0\0\0avifmif1", "HEIC": b"heic\0\0\0\0mif1heic"}
    second = replace(first, content=first.content + SECRET)
    return file_of(first, second, brands=brands[kind])


def gif_with_plain_text() -> bytes:
    data = encoded(photo(SIZE).quantize(64), "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)
    text = b"\x21\x01\x0c" + bytes(12) + bytes((len(SECRET),)) + SECRET + b"\0"
    return data[:at] + text + data[at:]


def motion_heic() -> bytes:
    inside = directory(("MotionPhoto", "video/mp4", len(VIDEO)), padding=8)
    packet = xmp_packet('GCamera:MotionPhoto="1"', inside)
    return MAKERS["HEIC"](xmp=packet) + box(b"mpvd", VIDEO)


def with_aux(kind: bytes, data: bytes) -> bytes:
    """A property that says what an auxiliary picture is for, at the end of those that there are."""
    at = data.index(b"ipco") - 4
    end = at + int.from_bytes(data[at : at + 4])
    return grown(data, end, box(b"auxC", bytes(4) + kind + b"\0"), b"meta", b"iprp", b"ipco")


JUMBF = b"JP\0\1\0\0\0\1" + box(b"jumb", box(b"jumd", b"c2pa\0\x11\0\x10") + SECRET)

MAKERS_SEGMENTS = (
    segment(0xE1, b"FLIR\0\1\0\0" + SECRET),
    segment(0xE2, b"FPXR\0" + SECRET),
    segment(0xE3, b"_JPSJPS_\0\4" + SECRET),
)

PARTS: dict[str, Part] = {
    "colour profile": Part(
        COLUMNS["profile"].make | {"BMP": lambda: bmp_with_profile()},
        lambda data: ICC in data or icc_of(data) == ICC,
        "colour profile was dropped",
    ),
}
PARTS |= PIXEL_PARTS
PARTS |= {
    "EXIF": of_column("EXIF"),
    "EXIF in a text chunk": Part(
        {"PNG": lambda: png_with(encoded(photo(SIZE), "PNG"), raw_profile(b"exif", tagged_exif()))},
        lambda data: opened(data).getexif().get(0x010F) == "A camera",
    ),
    "previews": Part(
        {
            kind: lambda kind=kind: MAKERS[kind](exif=PREVIEW_EXIF)
            for kind in ("JPEG", "PNG", "WebP", "HEIC")
        }
        | {"TIFF": lambda: tiff_with_preview(), "AVIF": lambda: avif_with_preview()},
        lambda data: THUMBNAIL[-60:-10] in data or bytes((77,)) * 1200 in data,
        "previews were removed",
    ),
    "XMP": of_column("XMP"),
    "IPTC and Photoshop's resources": iptc_part(),
    "comments and text chunks": Part(
        {
            "JPEG": lambda: MAKERS["JPEG"](comment=SECRET),
            "PNG": lambda: png_with(encoded(photo(SIZE), "PNG"), (b"tEXt", b"Comment\0" + SECRET)),
            "GIF": lambda: encoded(photo(SIZE).quantize(64), "GIF", comment=SECRET),
        },
        holds(SECRET),
    ),
    "resolution": of_column("DPI"),
    "HDR gain map": Part(
        {
            "JPEG": ultra_hdr,
            "PNG": lambda: png_with(encoded(photo(SIZE), "PNG"), (b"gmAP", b"hdrgainmap")),
            "AVIF": lambda: with_aux(b"urn:com:apple:photo:2020:aux:hdrgainmap", MAKERS["AVIF"]()),
            "HEIC": lambda: iphone_heic(photo(SIZE), (1.2, 0.005)),
        },
        lambda data: b"hdrgainmap" in data or data.count(b"\xff\xd8\xff") == 2,
        r"HDR gain map was dropped|gmAP \(HDR gain map\)",
    ),
    "video of a motion photo": Part(
        {
            "JPEG": motion_photo,
            "AVIF": lambda: MAKERS["AVIF"]() + box(b"mpvd", VIDEO),
            "HEIC": lambda: motion_heic(),
        },
        holds(VIDEO),
        "video of the motion photo was dropped",
    ),
    "depth map": Part(
        {
            "JPEG": lambda: jpeg(
                segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40) + SECRET)
            ),
            "AVIF": lambda: with_aux(b"urn:mpeg:hevc:2015:auxid:2", MAKERS["AVIF"]()),
            "HEIC": lambda: with_aux(b"urn:mpeg:hevc:2015:auxid:2", MAKERS["HEIC"]()),
        },
        lambda data: SECRET in data or b"auxid:2" in data,
        "depth map",
    ),
    "Content Credentials": Part(
        {
            "JPEG": lambda: jpeg(segment(0xEB, JUMBF)),
            "PNG": lambda: png_with(encoded(photo(SIZE), "PNG"), (b"caBX", SECRET)),
            "WebP": lambda: webp_with(b"C2PA", SECRET),
            "GIF": lambda: gif_with(b"C2PA_GIF\1\0\0", SECRET),
            "TIFF": lambda: MAKERS["TIFF"](tiffinfo={52545: SECRET}),
            "AVIF": lambda: MAKERS["AVIF"]() + box(b"uuid", CREDENTIALS_ID + SECRET),
            "HEIC": lambda: MAKERS["HEIC"]() + box(b"uuid", CREDENTIALS_ID + SECRET),
        },
        holds(SECRET),
        "Content Credentials were dropped",
    ),
    "further pictures": Part(
        {
            "JPEG": lambda: apple(None, jpeg(segment(0xE5, SECRET))),
            "TIFF": lambda: MAKERS["TIFF"](save_all=True, append_images=[second_page()]),
            "AVIF": lambda: with_second_picture("AVIF"),
            "HEIC": lambda: with_second_picture("HEIC"),
        },
        holds(SECRET),
        "further pictures in the file were dropped",
    ),
    "data of makers: thermal, stereo, FlashPix": Part(
        {"JPEG": lambda: jpeg(*MAKERS_SEGMENTS)},
        holds(SECRET),
        r"APP1 \(FLIR\), APP2 \(FPXR\), APP3 \(_JPSJPS_\)",
    ),
    "JUMBF that isn't Content Credentials": Part(
        {"JPEG": lambda: jpeg(segment(0xEB, JUMBF.replace(b"c2pa", b"mine")))},
        holds(SECRET),
        "JUMBF data was dropped",
    ),
    "text drawn on the picture": Part(
        {"GIF": lambda: gif_with_plain_text()}, holds(SECRET), r"01 \(plain text\)"
    ),
    "private data": Part(
        {
            "JPEG": lambda: jpeg(segment(0xE4, b"Maker\0" + SECRET)),
            "PNG": lambda: png_with(encoded(photo(SIZE), "PNG"), (b"prVt", SECRET)),
            "WebP": lambda: webp_with(b"PRVT", SECRET),
            "GIF": lambda: gif_with(b"PRIVATE1.0\0", SECRET),
            "TIFF": lambda: MAKERS["TIFF"](tiffinfo={50341: SECRET}),
            "BMP": lambda: bmp_with_gap(),
            "AVIF": lambda: MAKERS["AVIF"]() + box(b"prvt", SECRET),
            "HEIC": lambda: MAKERS["HEIC"]() + box(b"prvt", SECRET),
        },
        holds(SECRET),
        "dropped",
    ),
    "Samsung's blocks behind the picture": Part(
        {"JPEG": lambda: jpeg() + sef((0x0910, b"Front_Cam_Selfie_Info", SECRET))},
        holds(SECRET),
        "behind the picture were dropped: Front_Cam_Selfie_Info",
    ),
    "data behind the picture": Part(
        {kind: lambda kind=kind: MAKERS[kind]() + b"PK\3\4" + SECRET for kind in KINDS},  # type: ignore[misc]
        holds(SECRET),
        "data behind the picture was dropped",
    ),
}
