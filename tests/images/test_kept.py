"""Pictures with a profile, EXIF and so on in every format that has them, and how to find it again;
alpha as the first table of docs/formats.md says. test_parts.py tests the others."""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media_processor.formats import FORMATS
from media_processor.images.containers import gif
from media_processor.limits import Limits

from .conftest import ApplyWatermark
from .pictures import encoded, heic, opened, photo, png_with
from .profiles import ADOBE_RGB, rgb_profile

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()
KINDS = tuple(each.title for each in FORMATS)
ICC = rgb_profile(ADOBE_RGB)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><mine/></x:xmpmeta>"
SIZE = (160, 120)  # some encoders take long
IPTC = b"\x1c\2\x78\0\5hello"


def exif() -> bytes:
    made = Image.Exif()
    made[0x010F] = "A camera"
    return made.tobytes()


def extension(name: bytes, payload: bytes) -> bytes:
    # XMP is followed by its own trailer.
    if name == b"XMP DataXMP":
        return b"\x21\xff\x0b" + name + payload + bytes((1, *range(255, -1, -1), 0))
    pieces = (payload[at : at + 255] for at in range(0, len(payload), 255))
    return b"\x21\xff\x0b" + name + b"".join(bytes((len(p),)) + p for p in pieces) + b"\0"


def gif_with(name: bytes, payload: bytes) -> bytes:
    data = encoded(photo(SIZE).quantize(64), "GIF")
    at = 13 + (3 << (data[10] & 7) + 1)  # behind the palette
    return data[:at] + extension(name, payload) + data[at:]


def jpeg_with_iptc() -> bytes:
    block = b"8BIM\x04\x04\0\0" + len(IPTC).to_bytes(4) + IPTC + bytes(len(IPTC) % 2)
    payload = b"Photoshop 3.0\0" + block
    data = encoded(photo(SIZE), "JPEG")
    return data[:20] + b"\xff\xed" + (len(payload) + 2).to_bytes(2) + payload + data[20:]


def xmp_of(data: bytes) -> bytes:
    image = opened(data)
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if image.format == "GIF":
        found = gif.read(data, Limits()).metadata.xmp
    return found.encode() if isinstance(found, str) else found


def icc_of(data: bytes) -> object:
    if data.startswith(b"GIF"):
        return gif.read(data, Limits()).metadata.icc
    return opened(data).info.get("icc_profile")


def half_clear() -> Image.Image:
    image = photo().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 150, 400, 300))
    return image


def bmp_with_alpha(image: Image.Image) -> bytes:
    # As GIMP writes it: 32 bits with a mask for alpha.
    pixels = image.tobytes("raw", "BGRA", 0, -1)
    masks = struct.pack("<4I", 0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 108, *image.size, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    head = struct.pack("<2sIHHI", b"BM", 122 + len(pixels), 0, 0, 122)
    return head + info + masks + b"BGRs" + bytes(48) + pixels


@dataclass(frozen=True)
class Kept:
    """One column: for each format that has it a picture with it, and how to find it again."""

    make: dict[str, Callable[[], bytes]]
    is_there: Callable[[bytes], bool]


def with_option(name: str, value: object, *kinds: str) -> dict[str, Callable[[], bytes]]:
    def make(kind: str) -> bytes:
        if kind == "HEIC":
            return heic(photo(SIZE), **{name: value})
        return encoded(photo(SIZE), kind.upper(), **{name: value})

    return {kind: lambda kind=kind: make(kind) for kind in kinds}  # type: ignore[misc]


def heic_with_profile() -> bytes:
    image = photo(SIZE)
    image.info["icc_profile"] = ICC
    return heic(image)


COLUMNS = {
    "profile": Kept(
        with_option("icc_profile", ICC, "JPEG", "PNG", "WebP", "TIFF", "AVIF")
        | {"GIF": lambda: gif_with(b"ICCRGBG1012", ICC), "HEIC": heic_with_profile},
        lambda data: icc_of(data) == ICC,
    ),
    "EXIF": Kept(
        with_option("exif", exif(), "JPEG", "PNG", "WebP", "TIFF", "AVIF", "HEIC"),
        lambda data: opened(data).getexif().get(0x010F) == "A camera",
    ),
    "XMP": Kept(
        with_option("xmp", XMP, "JPEG", "WebP", "AVIF", "HEIC")
        | with_option("tiffinfo", {700: XMP}, "TIFF")
        | {
            "PNG": lambda: png_with(
                encoded(photo(SIZE), "PNG"), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
            ),
            "GIF": lambda: gif_with(b"XMP DataXMP", XMP),
        },
        lambda data: xmp_of(data) == XMP,
    ),
    "IPTC": Kept(
        with_option("tiffinfo", {33723: IPTC}, "TIFF") | {"JPEG": jpeg_with_iptc},
        lambda data: IPTC in data,
    ),
    "DPI": Kept(
        with_option("dpi", (240, 240), "JPEG", "PNG", "TIFF", "BMP"),
        lambda data: round(opened(data).info["dpi"][0]) == 240,
    ),
    "alpha": Kept(
        {
            kind: lambda kind=kind: encoded(half_clear(), kind.upper())
            for kind in ("PNG", "WebP", "GIF", "TIFF", "AVIF")
        }
        | {"BMP": lambda: bmp_with_alpha(half_clear())},
        lambda data: np.asarray(opened(data).convert("RGBA"))[200:, :, 3].max() < 10,
    ),
}


@pytest.mark.parametrize("kind", COLUMNS["alpha"].make)
def test_alpha_is_still_there(kind: str, apply_watermark: ApplyWatermark) -> None:
    kept = COLUMNS["alpha"]
    data = kept.make[kind]()
    out, _ = apply_watermark(data)
    assert kept.is_there(data), "the picture had it"
    assert kept.is_there(out)


def test_the_documents_table_says_so() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE[: PAGE.index("| part |")].splitlines()
        if line.startswith("| ") and "|---" not in line
    ]
    head, table = rows[0], {row[0]: row for row in rows[1:]}
    assert tuple(table) == KINDS
    said = {kind for kind, row in table.items() if row[head.index("alpha")] != "–"}
    said.discard("HEIC")  # which is flattened, and has a test of its own
    assert said == set(COLUMNS["alpha"].make)


def test_a_photoshop_block_of_a_tiff_loses_its_thumbnail(apply_watermark: ApplyWatermark) -> None:
    thumbnail = b"8BIM\x04\x0c\0\0" + (8).to_bytes(4) + b"unbrande"
    kept = b"8BIM\x04\x04\0\0" + len(IPTC).to_bytes(4) + IPTC + bytes(len(IPTC) % 2)
    data = encoded(photo(SIZE), "TIFF", tiffinfo={34377: kept + thumbnail})
    out, _ = apply_watermark(data)
    assert re.search(IPTC, out)
    assert b"unbrande" in data
    assert b"unbrande" not in out


@pytest.mark.parametrize("orientation", [1, 6])
def test_an_avif_keeps_each_byte_of_its_exif(
    orientation: int, apply_watermark: ApplyWatermark
) -> None:
    """Pillow writes one with an orientation anew: without letters beyond ASCII, and elsewhere.
    What counts is ``irot``, which isn't there."""
    made = Image.Exif()
    made[0x010F], made[0x0113] = "Bjorn", orientation
    wanted = made.tobytes().replace(b"Bjorn", b"Bj\xf8rn") + b"a maker note"
    data = encoded(photo(SIZE), "AVIF", exif=wanted)  # as it is, without an orientation
    entry, turned = (struct.pack(">HHIHH", tag, 3, 1, orientation, 0) for tag in (0x0113, 0x0112))
    watermarked, _ = apply_watermark(data.replace(entry, turned))
    upright = struct.pack(">HHIHH", 0x0112, 3, 1, 1, 0)
    assert wanted.removeprefix(b"Exif\0\0").replace(entry, upright) in watermarked
