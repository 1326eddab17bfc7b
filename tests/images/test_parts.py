"""The second table of docs/formats.md, cell by cell: what becomes of everything in a file that
isn't pixels. Nothing is lost without a note."""

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from media_processor.formats import FORMATS
from media_processor.images.containers import jpeg as jpeg_container
from media_processor.images.containers import tiff
from media_processor.images.containers.tiff_directory import LONG, numbers
from media_processor.images.profile import Profile
from media_processor.limits import Limits

from .conftest import ApplyWatermark
from .hdr_files import (
    VIDEO,
    XMP_MARK,
    Curve,
    apple,
    camera_exif,
    gain_map,
    grown,
    iphone_heic,
    motion_photo,
    segment,
    ultra_hdr,
    with_segments,
)
from .pictures import (
    encoded,
    exif_with_thumbnail,
    heic,
    opened,
    orientation_exif,
    photo,
    png_chunk,
    png_with,
)
from .test_kept import COLUMNS, ICC, gif_with, icc_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()
KINDS = [each.title for each in FORMATS]
SECRET = b"the secret words"
THUMBNAIL = encoded(photo((40, 30)), "JPEG")
PREVIEW_EXIF = exif_with_thumbnail(THUMBNAIL, 1)
CREDENTIALS_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def resource(number: int, payload: bytes) -> bytes:
    padded = payload + bytes(len(payload) % 2)
    return b"8BIM" + number.to_bytes(2) + b"\0\0" + len(payload).to_bytes(4) + padded


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def webp_with(name: bytes, content: bytes) -> bytes:
    data = encoded(photo(), "WEBP", exif=orientation_exif(1))
    chunk = name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)
    return data[:4] + (len(data) + len(chunk) - 8).to_bytes(4, "little") + data[8:] + chunk


def jpeg(*segments: bytes) -> bytes:
    return with_segments(encoded(photo(), "JPEG"), *segments)


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
    data = encoded(photo(), "TIFF", save_all=True, append_images=[Image.new("L", (40, 30), 77)])
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


def with_aux(kind: bytes, data: bytes) -> bytes:
    """A property that says what an auxiliary picture is for, at the end of those that there are."""
    at = data.index(b"ipco") - 4
    end = at + int.from_bytes(data[at : at + 4])
    return grown(data, end, box(b"auxC", bytes(4) + kind + b"\0"), b"meta", b"iprp", b"ipco")


@dataclass(frozen=True)
class Part:
    """One row: files that have it, by format; what tells that it is there; a word of its note."""

    make: dict[str, Callable[[], bytes]]
    is_there: Callable[[bytes], bool]
    note: str = ""
    reported: frozenset[str] = frozenset()


def holds(words: bytes) -> Callable[[bytes], bool]:
    return lambda data: words in data


def of_column(name: str) -> Part:
    return Part(COLUMNS[name].make, COLUMNS[name].is_there)


MAKERS: dict[str, Callable[..., bytes]] = {
    kind: lambda kind=kind, **more: encoded(photo(), kind.upper(), **more)
    for kind in KINDS
    if kind != "HEIC"
} | {"HEIC": lambda **more: heic(photo(), **more)}

JUMBF = b"JP\0\1\0\0\0\1" + box(b"jumb", box(b"jumd", b"c2pa\0\x11\0\x10") + SECRET)

PARTS = {
    "colour profile": Part(
        COLUMNS["profile"].make | {"BMP": lambda: bmp_with_profile()},
        lambda data: ICC in data or icc_of(data) == ICC,
        "colour profile was dropped",
    ),
    "EXIF": of_column("EXIF"),
    "EXIF in a text chunk": Part(
        {"PNG": lambda: png_with(encoded(photo(), "PNG"), raw_profile(b"exif", tagged_exif()))},
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
    "IPTC and Photoshop's resources": of_column("IPTC"),
    "comments and text chunks": Part(
        {
            "JPEG": lambda: MAKERS["JPEG"](comment=SECRET),
            "PNG": lambda: png_with(encoded(photo(), "PNG"), (b"tEXt", b"Comment\0" + SECRET)),
            "GIF": lambda: encoded(photo().quantize(64), "GIF", comment=SECRET),
        },
        holds(SECRET),
    ),
    "resolution": of_column("DPI"),
    "HDR gain map": Part(
        {
            "JPEG": ultra_hdr,
            "AVIF": lambda: with_aux(b"urn:com:apple:photo:2020:aux:hdrgainmap", MAKERS["AVIF"]()),
            "HEIC": lambda: iphone_heic(photo(), (1.2, 0.005)),
        },
        lambda data: b"hdrgainmap" in data or data.count(b"\xff\xd8\xff") == 2,
        "HDR gain map was dropped",
    ),
    "video of a motion photo": Part(
        {"JPEG": motion_photo, "HEIC": lambda: MAKERS["HEIC"]() + box(b"mpvd", VIDEO)},
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
            "PNG": lambda: png_with(encoded(photo(), "PNG"), (b"caBX", SECRET)),
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
        {"JPEG": lambda: apple(None, jpeg(segment(0xE5, SECRET)))},
        holds(SECRET),
        "further pictures in the file were dropped",
    ),
    "private data": Part(
        {
            "JPEG": lambda: jpeg(segment(0xE4, b"Maker\0" + SECRET)),
            "PNG": lambda: png_with(encoded(photo(), "PNG"), (b"prVt", SECRET)),
            "WebP": lambda: webp_with(b"PRVT", SECRET),
            "GIF": lambda: gif_with(b"PRIVATE1.0\0", SECRET),
            "TIFF": lambda: MAKERS["TIFF"](tiffinfo={50341: SECRET}),
            "AVIF": lambda: MAKERS["AVIF"]() + box(b"prvt", SECRET),
            "HEIC": lambda: MAKERS["HEIC"]() + box(b"prvt", SECRET),
        },
        holds(SECRET),
        "dropped",
    ),
    "data behind the picture": Part(
        {kind: lambda kind=kind: MAKERS[kind]() + b"PK\3\4" + SECRET for kind in KINDS},  # type: ignore[misc]
        holds(SECRET),
        "data behind the picture was dropped",
    ),
}


def table() -> dict[str, dict[str, str]]:
    text = PAGE[PAGE.index("| part |") :].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    head = rows[0][1:]
    return {row[0]: dict(zip(head, row[1:], strict=True)) for row in rows[2:]}


CELLS = [
    (name, kind, said) for name, row in table().items() for kind, said in row.items() if said != "–"
]


def test_every_part_has_its_row_and_every_format_its_column() -> None:
    assert list(table()) == list(PARTS)
    for name, row in table().items():
        assert list(row) == KINDS
        assert {kind for kind, said in row.items() if said != "–"} == set(PARTS[name].make), name


@pytest.mark.parametrize(("name", "kind", "said"), CELLS)
def test_a_part_is_kept_changed_or_reported(
    name: str, kind: str, said: str, apply_watermark: ApplyWatermark
) -> None:
    part = PARTS[name]
    data = part.make[kind]()
    if kind != "HEIC":
        assert part.is_there(data), "the file has it"
    out, made = apply_watermark(data)
    losses = [note for note in made.notes if note != "converted from HEIC to JPEG"]
    if said == "reported":
        assert not part.is_there(out)
        assert any(re.search(part.note, note) for note in losses), made.notes
    else:
        assert said in ("kept", "changed")
        assert part.is_there(out)
        assert not losses


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
@pytest.mark.parametrize("strip", ["gps", "all"])
def test_a_comment_goes_with_strip(kind: str, strip: str, apply_watermark: ApplyWatermark) -> None:
    data = PARTS["comments and text chunks"].make[kind]()
    out, made = apply_watermark(data, profile=Profile("p", strip=strip))  # type: ignore[arg-type]
    assert (SECRET in out) == (strip == "gps")
    expected = ("dropped, as the profile requires: comments",) if strip == "all" else ()
    assert made.notes == expected


def test_a_comment_that_names_the_place_goes_with_gps(apply_watermark: ApplyWatermark) -> None:
    texts = [
        (b"tEXt", b"exif:GPSLatitude\00047/1,22/1"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"taken at GPS 47.3, 8.5")),
        (b"tEXt", b"Comment\0" + SECRET),
    ]
    data = png_with(encoded(photo(), "PNG"), *texts)
    out, made = apply_watermark(data, profile=Profile("p", strip="gps"))
    assert SECRET in out
    assert b"GPS" not in out
    assert b"zTXt" not in out
    assert made.notes == ("the location was removed, as the profile requires",)


@pytest.mark.parametrize(
    ("keyword", "name", "payload"),
    [
        (b"exif", b"exif", tagged_exif()),
        (b"APP1", b"generic profile", tagged_exif()),
        (b"exif", b"exif", tagged_exif().removeprefix(b"Exif\0\0")),
    ],
)
def test_exif_in_a_text_chunk_becomes_a_chunk_and_its_orientation_counts(
    keyword: bytes, name: bytes, payload: bytes, apply_watermark: ApplyWatermark
) -> None:
    data = png_with(encoded(photo((300, 400)), "PNG"), raw_profile(keyword, payload, name))
    out, made = apply_watermark(data)
    assert (made.width, made.height) == (400, 300)
    assert b"Raw profile" not in out
    assert b"eXIf" in out
    assert opened(out).getexif()[0x0112] == 6
    assert not made.notes


def test_xmp_in_a_text_chunk_becomes_one_of_its_own(apply_watermark: ApplyWatermark) -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><mine/></x:xmpmeta>"
    chunk = raw_profile(b"APP1", XMP_MARK + packet, b"generic profile")
    out, _ = apply_watermark(png_with(encoded(photo(), "PNG"), chunk))
    assert opened(out).info["XML:com.adobe.xmp"].encode() == packet


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n  4\nno digits")),
        (
            b"zTXt",
            b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n  9\n" + b"00" * 3_000_000),
        ),
        (b"zTXt", b"Comment\0\0rubbish"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5 << 20))),
        (b"tEXt", b"no end of the keyword"),
    ],
    ids=["no digits", "raw bomb", "damaged", "bomb", "no keyword"],
)
def test_a_text_chunk_that_decoders_refuse_goes(
    chunk: tuple[bytes, bytes], apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(png_with(encoded(photo(), "PNG"), chunk))
    assert chunk[0] not in out
    assert len(made.notes) == 1
    assert "text chunk" in made.notes[0]


def test_exif_of_a_heic_that_no_jpeg_has_room_for(apply_watermark: ApplyWatermark) -> None:
    made = Image.Exif()
    made[0x010F], made[0x010E] = "A camera", "x" * 80_000
    out, result = apply_watermark(heic(photo(), exif=made.tobytes()))
    assert opened(out).getexif()[0x010F] == "A camera"
    assert 0x010E not in opened(out).getexif()
    assert any("too large for this format" in note for note in result.notes)


def test_a_conversion_reports_what_has_no_place(apply_watermark: ApplyWatermark) -> None:
    data = MAKERS["JPEG"](exif=tagged_exif(), comment=SECRET)
    _, made = apply_watermark(data, profile=Profile("p", format="bmp"))
    assert "dropped, as the new format has no place for it: comments, EXIF" in made.notes


@pytest.mark.parametrize("signature", [b"AgHg", b"DCSR", b"MeSa", b"PHUT"])
def test_resources_of_other_programs_stay(
    signature: bytes, apply_watermark: ApplyWatermark
) -> None:
    blocks = resource(0x03F3, bytes(8)) + signature + resource(0x0404, SECRET)[4:]
    out, made = apply_watermark(jpeg(segment(0xED, b"Photoshop 3.0\0" + blocks)))
    assert blocks in out
    assert not made.notes


def test_a_damaged_profile_or_packet_is_reported(apply_watermark: ApplyWatermark) -> None:
    chunks = [(b"iCCP", b"a\0\0rubbish"), (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0rubbish")]
    _, made = apply_watermark(png_with(encoded(photo(), "PNG"), *chunks))
    assert made.notes == (
        "the colour profile was dropped: it is damaged",
        "XMP was dropped: it is damaged",
    )


def test_a_background_goes_with_its_palette(apply_watermark: ApplyWatermark) -> None:
    grey = png_with(encoded(photo(mode="L"), "PNG"), (b"bKGD", b"\0\x07"))
    out, made = apply_watermark(grey)
    assert b"bKGD" in out
    assert not made.notes
    data = encoded(photo().quantize(16), "PNG")
    at = data.index(b"IDAT") - 4
    out, made = apply_watermark(data[:at] + png_chunk(b"bKGD", b"\1") + data[at:])
    assert b"bKGD" not in out
    assert made.notes == ("chunks were dropped: bKGD",)


@pytest.mark.parametrize("density", [0, 2835, 11_811, 1234])
def test_a_bmp_keeps_its_density(density: int, apply_watermark: ApplyWatermark) -> None:
    data = bytearray(encoded(photo(), "BMP"))
    data[38:46] = struct.pack("<II", density, density)
    out, _ = apply_watermark(bytes(data))
    assert struct.unpack("<II", out[38:46]) == (density, density)


@pytest.mark.filterwarnings("ignore")  # what Pillow thinks of damaged EXIF
def test_damage_in_metadata_never_costs_the_picture(apply_watermark: ApplyWatermark) -> None:
    """Neither does damage behind the picture."""
    random = Random(5)
    small = encoded(photo((64, 48)), "JPEG")
    seeds = [
        ultra_hdr(small, gain_map((24, 18)), video=VIDEO, iso=Curve().iso),
        apple(small, small),
        motion_photo(micro=True),
        with_segments(small, segment(0xE1, PREVIEW_EXIF)),
        with_segments(small, segment(0xE1, b"Exif\0\0" + camera_exif(b"note", small))),
    ]
    for seed in seeds:
        parts = [
            (each.start + 4, each.end)
            for each in jpeg_container.segments(seed)
            if each.marker in (0xE1, 0xE2)
        ]
        end = jpeg_container.picture_end(seed)
        parts += [(end, len(seed))] if end < len(seed) else []
        for _ in range(30):
            data = bytearray(seed)
            for _ in range(random.randint(1, 5)):
                start, stop = random.choice(parts)
                at = random.randrange(start, min(stop, start + 400))
                data[at] = random.choice((0, 255, 127, 57, data[at] ^ 1 << random.randrange(8)))
            out, made = apply_watermark(bytes(data))
            assert opened(out).size == (made.width, made.height)
