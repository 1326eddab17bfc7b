"""What a header tells, without a pixel decoded, for every format that is taken."""

import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from media_processor.errors import (
    BrokenPicture,
    EmptyFile,
    ImageBomb,
    PictureError,
    TooManyFrames,
    TooManyPixels,
    UnsupportedPicture,
)
from media_processor.formats import FORMATS
from media_processor.images.info import PictureInfo
from media_processor.images.probe import probe
from media_processor.limits import Limits

from .animations import Frame, apng, gif
from .pictures import (
    LIMITS,
    WRITABLE,
    animated,
    encoded,
    exif_with_thumbnail,
    heic,
    opened,
    orientation_exif,
    photo,
    png_with,
)

TURNING = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"]


def facts_of(data: bytes, limits: Limits = LIMITS) -> PictureInfo:
    return probe(data, limits)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", TURNING)
def test_the_facts_of_a_picture(kind: str, orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(encoded(photo((40, 30)), kind, exif=orientation_exif(orientation)))
    info = probe(path, LIMITS)
    assert info == PictureInfo(info.format, 40, 30, orientation)
    assert (info.format, info.content_type) == (kind, f"image/{kind.lower()}")
    assert info.displayed_size == ((30, 40) if orientation >= 5 else (40, 30))


@pytest.mark.parametrize("kind", ["GIF", "BMP"])
def test_the_facts_of_a_picture_without_orientation(kind: str) -> None:
    info = facts_of(encoded(photo((40, 30)), kind))
    assert info == PictureInfo(info.format, 40, 30)
    assert info.format == kind


def test_the_facts_of_a_heic() -> None:
    assert facts_of(heic()) == PictureInfo("HEIF", 64, 48)


@pytest.mark.parametrize("options", [{}, {"lossless": True}], ids=["lossy", "lossless"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_tells_its_size(mode: str, options: dict[str, bool]) -> None:
    info = facts_of(encoded(photo((41, 31), mode), "WEBP", **options))
    assert (info.width, info.height) == (41, 31)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_frames_are_counted(kind: str) -> None:
    data = animated(kind, frames=3)
    assert facts_of(data).frames == 3
    with pytest.raises(TooManyFrames, match="more than 2 frames"):
        facts_of(data, Limits(frames=2))
    with pytest.raises(TooManyPixels):
        facts_of(data, Limits(pixels=3 * 64 * 48 - 1))


def many_frames(kind: str, count: int) -> bytes:
    if kind == "GIF":
        return gif((8, 8), [Frame(0, 0, (8, 8), bytes(64))] * count, palette=bytes(768))
    if kind == "PNG":
        return apng((8, 8), [Frame(0, 0, (8, 8), bytes(64))] * count, kind=0)
    data = animated(kind, 2)
    if kind == "AVIF":  # it isn't decoded here, so the number is all that counts
        at = data.rindex(b"stsz") + 12
        return data[:at] + count.to_bytes(4) + data[at + 4 :]
    start = data.rindex(b"ANMF")
    frames = data[start:] * (count - 1)
    return data[:4] + (start + len(frames) - 8).to_bytes(4, "little") + data[8:start] + frames


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "AVIF"])
def test_an_animation_is_limited_by_its_pixels(kind: str) -> None:
    data = many_frames(kind, 2_500)
    info = facts_of(data)
    assert info.frames == 2_500
    with pytest.raises(TooManyPixels, match="2500 frames"):
        facts_of(data, Limits(pixels=2_500 * info.width * info.height - 1))
    with pytest.raises(TooManyFrames):
        facts_of(data, Limits(frames=2_499))


def test_an_invalid_orientation_is_upright() -> None:
    assert facts_of(encoded(photo((8, 8)), "JPEG", exif=orientation_exif(9))).orientation == 1


def test_a_phone_jpeg_with_more_pictures_behind_it_counts_as_jpeg() -> None:
    mpo = encoded(photo((32, 24)), "MPO", save_all=True, append_images=[photo((32, 24))])
    assert b"MPF\0" in mpo
    assert facts_of(mpo) == PictureInfo("JPEG", 32, 24)


def test_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(EmptyFile):
        facts_of(b"")
    (tmp_path / "empty").touch()
    with pytest.raises(EmptyFile):
        probe(tmp_path / "empty", LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        b"just some text",
        b"\xff\xd8",
        encoded(photo((8, 8)), "PCX"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    ],
    ids=["text", "stub", "PCX", "EPS", "WAVE", "MP4"],
)
def test_other_files_are_not_taken(data: bytes) -> None:
    with pytest.raises(UnsupportedPicture):
        facts_of(data)


@pytest.mark.parametrize("kind", WRITABLE)
def test_the_limits_of_pixels_and_of_a_side_are_reported(kind: str) -> None:
    data = encoded(photo((40, 30)), kind)
    assert facts_of(data, Limits(pixels=1200, spliced=1200)).width == 40
    with pytest.raises(TooManyPixels, match=r"1,200 .*1,199"):
        facts_of(data, Limits(pixels=1199, spliced=1199))
    with pytest.raises(TooManyPixels, match="40 x 30"):
        facts_of(data, Limits(side=39))


def test_a_webp_bomb_is_refused() -> None:
    canvas = (12_999).to_bytes(3, "little")
    with pytest.raises(TooManyPixels):
        facts_of(b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + canvas)


@pytest.mark.parametrize("kind", WRITABLE)
def test_a_header_that_is_cut_short_is_broken(kind: str) -> None:
    data = encoded(photo((40, 30)), kind)
    with pytest.raises(BrokenPicture):
        facts_of(data[:20])


@pytest.mark.parametrize(("marker", "depth"), [(0xC0, 12), (0xC3, 8), (0xC7, 8)])
def test_unusual_jpegs_are_not_taken(marker: int, depth: int) -> None:
    data = bytearray(encoded(photo((8, 8)), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, depth
    with pytest.raises(UnsupportedPicture):
        facts_of(bytes(data))


def test_the_scans_of_a_progressive_jpeg_are_counted() -> None:
    data = encoded(photo((40, 30)), "JPEG", progressive=True)
    scans = data.count(b"\xff\xda")
    assert facts_of(data, Limits(scans=scans)).width == 40
    with pytest.raises(ImageBomb, match=f"more than {scans - 1} scans"):
        facts_of(data, Limits(scans=scans - 1))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind in ("JPEG", "PNG", "WEBP", "TIFF")
        for name in ("icc_profile", "exif", "xmp")
        if (kind, name) not in {("PNG", "xmp"), ("TIFF", "exif"), ("TIFF", "xmp")}
    ],
)
def test_metadata_is_limited(kind: str, name: str) -> None:
    payload = bytes(5000) if name != "exif" else orientation_exif(6) + bytes(5000)
    data = encoded(photo((8, 8)), kind, **{name: payload})
    assert facts_of(data, Limits(metadata=6000, profile=6000)).width == 8
    with pytest.raises(ImageBomb, match=r"of .*, the limit"):
        facts_of(data, Limits(metadata=4000, profile=4000))


def test_a_png_with_more_data_than_pixels_is_refused() -> None:
    data = png_with(encoded(photo((8, 8)), "PNG"), (b"IDAT", bytes(2_000_000)))
    with pytest.raises(ImageBomb):
        facts_of(data)


@pytest.mark.parametrize(
    "stuffing",
    [b"\0" * 30_000_000, b"\xff\xfe\0\2" * 1_000_000, b"\xff\xfe\xff\xff" + b"x" * 65_533],
    ids=["zeros", "empty comments", "large comments"],
)
def test_a_stuffed_header_costs_little(stuffing: bytes) -> None:
    if len(stuffing) < 100_000:
        stuffing *= 400
    data = encoded(photo((8, 8)), "JPEG")
    started = time.process_time()
    try:
        assert facts_of(data[:20] + stuffing + data[20:]).width == 8
    except ImageBomb:
        assert len(stuffing) == 4_000_000
    assert time.process_time() - started < 0.5


def test_a_text_chunk_can_not_pose_as_exif() -> None:
    data = png_with(encoded(photo((8, 8)), "PNG"), (b"zTXt", b"exif\0\0" + b"x\x9c\x03\0\0\0\0\1"))
    assert facts_of(data).orientation == 1


@pytest.mark.parametrize("kind", [each.name for each in FORMATS])
def test_hostile_headers_raise_picture_errors_only(kind: str) -> None:
    if kind == "HEIF":
        data = heic()[:700]
    elif kind in ("GIF", "BMP"):
        data = encoded(photo((8, 8)), kind)
    else:
        data = encoded(photo((8, 8)), kind, exif=exif_with_thumbnail(b"x" * 20, 6))
    for at in range(min(len(data), 1500)):
        for value in (0, 0x7F, 0xFF):
            try:
                info = facts_of(data[:at] + bytes([value]) + data[at + 1 :])
            except PictureError:
                continue
            assert info.width * info.height <= LIMITS.pixels


def test_a_malformed_mpf_segment_does_no_harm() -> None:
    data = encoded(photo((8, 8)), "JPEG")
    segment = b"MPF\0II*\0" + struct.pack("<I", 8) + b"\xff\xff"
    mpf = b"\xff\xe2" + struct.pack(">H", len(segment) + 2) + segment
    assert facts_of(data[:2] + mpf + data[2:]).format == "JPEG"


def test_the_pages_of_a_tiff_may_not_lead_in_a_circle() -> None:
    data = bytearray(encoded(Image.new("L", (8, 8)), "TIFF"))
    first = int.from_bytes(data[4:8], "little")
    link = first + 2 + 12 * int.from_bytes(data[first : first + 2], "little")
    data[link : link + 4] = data[4:8]
    with pytest.raises(BrokenPicture, match="loop"):
        facts_of(bytes(data))


@pytest.mark.parametrize(
    ("depth", "masks", "is_taken"),
    [
        (16, (0xF800, 0x7E0, 0x1F), True),
        (16, (0xF00, 0xF0, 0xF), False),
        (32, (0xFF0000, 0xFF00, 0xFF), True),
        (32, (0xFF00, 0xFF0, 0xFF), False),
    ],
)
def test_colours_anywhere_in_a_bmp_are_refused_for_that(
    depth: int, masks: tuple[int, ...], *, is_taken: bool
) -> None:
    pixels = bytes(40 * 40 * depth // 8)
    head = struct.pack("<IiiHHIIiiII", 40, 40, 40, 1, depth, 3, len(pixels), 0, 0, 0, 0)
    data = struct.pack("<2sIHHI", b"BM", 66 + len(pixels), 0, 0, 66) + head
    data += struct.pack("<3I", *masks) + pixels
    if is_taken:
        assert probe(data, LIMITS).width == opened(data).width
        return
    with pytest.raises(UnsupportedPicture, match="colours in such bits"):
        probe(data, LIMITS)
