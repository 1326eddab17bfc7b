"""What can't be kept is named; comments, damaged parts and what a profile strips."""

import struct
import zlib
from io import BytesIO
from random import Random

import pytest
from PIL import Image, ImageSequence

from media_processor.images.containers import jpeg as jpeg_container
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .hdr_files import (
    VIDEO,
    XMP_MARK,
    Curve,
    apple,
    camera_exif,
    gain_map,
    motion_photo,
    segment,
    ultra_hdr,
    with_segments,
)
from .part import SECRET, jpeg
from .parts import PARTS, PREVIEW_EXIF, THUMBNAIL, raw_profile, resource, tagged_exif
from .pictures import (
    animated,
    encoded,
    heic,
    opened,
    photo,
    png_chunk,
    png_with,
)
from .test_kept import IPTC, SIZE


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
    data = png_with(encoded(photo(SIZE), "PNG"), *texts)
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
    out, _ = apply_watermark(png_with(encoded(photo(SIZE), "PNG"), chunk))
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
    out, made = apply_watermark(png_with(encoded(photo(SIZE), "PNG"), chunk))
    assert chunk[0] not in out
    assert len(made.notes) == 1
    assert "text chunk" in made.notes[0]


@pytest.mark.parametrize("name", [b"8bim", b"iptc"])
@pytest.mark.parametrize("chunk", [b"zTXt", b"tEXt"])
def test_photoshops_resources_in_a_text_chunk_lose_their_preview(
    name: bytes, chunk: bytes, apply_watermark: ApplyWatermark
) -> None:
    kept, preview = resource(0x0404, IPTC), resource(0x040C, bytes(28) + THUMBNAIL)
    kind, payload = raw_profile(name, kept + preview, name)
    if chunk == b"tEXt":
        keyword, _, packed = payload.partition(b"\0\0")
        kind, payload = chunk, keyword + b"\0" + zlib.decompress(packed)
    out, made = apply_watermark(png_with(encoded(photo(SIZE), "PNG"), (kind, payload)))
    text = opened(out).info[f"Raw profile type {name.decode()}"]
    assert bytes.fromhex("".join(text.split()[2:])) == kept
    assert int(text.split()[1]) == len(kept)
    assert made.notes == ("some of Photoshop's resources were dropped: previews, or damaged",)
    out, made = apply_watermark(png_with(encoded(photo(SIZE), "PNG"), raw_profile(name, preview)))
    assert b"Raw profile" not in out
    assert len(made.notes) == 1


def test_exif_of_a_heic_that_no_jpeg_has_room_for(apply_watermark: ApplyWatermark) -> None:
    made = Image.Exif()
    made[0x010F], made[0x010E] = "A camera", "x" * 80_000
    out, result = apply_watermark(heic(photo(SIZE), exif=made.tobytes()))
    assert opened(out).getexif()[0x010F] == "A camera"
    assert 0x010E not in opened(out).getexif()
    assert any("too large for this format" in note for note in result.notes)


def test_a_comment_between_two_scans_stays(apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(SIZE), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    between = segment(0xFE, SECRET) + segment(0xE7, b"Maker\0")
    out, made = apply_watermark(data[:at] + between + data[at:])
    assert SECRET in out
    assert made.notes == ("application data was dropped: APP7 (Maker)",)


@pytest.mark.parametrize(
    ("strip", "note"),
    [
        ("gps", "the location was removed, as the profile requires"),
        ("all", "dropped, as the profile requires: EXIF"),
    ],
)
def test_every_page_of_a_tiff_is_stripped(
    strip: str, note: str, apply_watermark: ApplyWatermark
) -> None:
    second = photo((60, 40))
    made = Image.Exif()
    made[0x010E] = "said of it"
    made.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 15.5)})
    second.encoderinfo = {"exif": made.tobytes()}
    data = encoded(photo(SIZE), "TIFF", exif=made.tobytes(), save_all=True, append_images=[second])
    out, result = apply_watermark(data, profile=Profile("p", strip=strip))  # type: ignore[arg-type]
    for page in ImageSequence.Iterator(Image.open(BytesIO(out))):
        assert not page.getexif().get_ifd(0x8825)
        assert (page.getexif().get(0x010E) == "said of it") == (strip == "gps")
    assert note in result.notes
    assert ("dropped, as the profile requires: descriptions" in result.notes) == (strip == "all")


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
    _, made = apply_watermark(png_with(encoded(photo(SIZE), "PNG"), *chunks))
    assert made.notes == (
        "the colour profile was dropped: it is damaged",
        "XMP was dropped: it is damaged",
    )


def test_a_background_goes_with_its_palette(apply_watermark: ApplyWatermark) -> None:
    grey = png_with(encoded(photo(SIZE, "L"), "PNG"), (b"bKGD", b"\0\x07"))
    out, made = apply_watermark(grey)
    assert b"bKGD" in out
    assert not made.notes
    data = encoded(photo(SIZE).quantize(16), "PNG")
    at = data.index(b"IDAT") - 4
    out, made = apply_watermark(data[:at] + png_chunk(b"bKGD", b"\1") + data[at:])
    assert b"bKGD" not in out
    assert made.notes == ("chunks were dropped: bKGD (background colour)",)


def test_what_a_bmp_hides_is_reported(apply_watermark: ApplyWatermark) -> None:
    """Between header and pixels, or behind them where its length covers it."""
    data = encoded(photo(SIZE), "BMP")
    start = (54 + len(SECRET)).to_bytes(4, "little")
    _, made = apply_watermark(data[:10] + start + data[14:54] + SECRET + data[54:])
    assert made.notes == ("data between the header and the pixels was dropped",)
    size = (len(data) + len(SECRET)).to_bytes(4, "little")
    _, made = apply_watermark(data[:2] + size + data[6:] + SECRET)
    assert made.notes == ("data behind the picture was dropped",)


def test_a_chunk_within_a_frame_of_a_webp_is_reported(apply_watermark: ApplyWatermark) -> None:
    data = animated("WEBP", 2, SIZE)
    at = data.index(b"ANMF") + 4
    length = int.from_bytes(data[at : at + 4], "little")
    end, chunk = at + 4 + length, b"PRVT" + len(SECRET).to_bytes(4, "little") + SECRET
    whole = (len(data) + len(chunk) - 8).to_bytes(4, "little")
    frame = (length + len(chunk)).to_bytes(4, "little") + data[at + 4 : end] + chunk
    _, made = apply_watermark(data[:4] + whole + data[8:at] + frame + data[end:])
    assert made.notes == ("chunks were dropped: PRVT",)


@pytest.mark.parametrize("density", [0, 2835, 11_811, 1234])
def test_a_bmp_keeps_its_density(density: int, apply_watermark: ApplyWatermark) -> None:
    data = bytearray(encoded(photo(SIZE), "BMP"))
    data[38:46] = struct.pack("<II", density, density)
    out, _ = apply_watermark(bytes(data))
    assert struct.unpack("<II", out[38:46]) == (density, density)


@pytest.mark.filterwarnings("ignore")  # what Pillow thinks of damaged EXIF
@pytest.mark.parametrize("rounds", [30, pytest.param(400, marks=pytest.mark.long)])
def test_damage_in_metadata_never_costs_the_picture(
    rounds: int, apply_watermark: ApplyWatermark
) -> None:
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
        for _ in range(rounds):
            data = bytearray(seed)
            for _ in range(random.randint(1, 5)):
                start, stop = random.choice(parts)
                at = random.randrange(start, min(stop, start + 400))
                data[at] = random.choice((0, 255, 127, 57, data[at] ^ 1 << random.randrange(8)))
            out, made = apply_watermark(bytes(data))
            assert opened(out).size == (made.width, made.height)
