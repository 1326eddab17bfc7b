"""A JPEG comes out as it went in, but for the logo."""

import struct

import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from media_processor.images.geometry import Box
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .pictures import (
    QUARTERS,
    displayed,
    encoded,
    exif_with_thumbnail,
    is_near,
    opened,
    orientation_exif,
    photo,
    psnr_outside,
    quartered_logo,
    quarters,
    srgb_profile,
)

THUMBNAIL = encoded(photo((40, 30)), "JPEG")
MCU = 16  # a block of 4:2:0 that the logo touches changes whole


def jpeg(data: bytes) -> JpegImageFile:
    image = opened(data)
    assert isinstance(image, JpegImageFile)
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_logo_is_displayed_upright_at_the_top_right(
    orientation: int, apply_watermark: ApplyWatermark
) -> None:
    stored = (300, 400) if orientation >= 5 else (400, 300)
    exif = orientation_exif(orientation)
    data = encoded(Image.new("RGB", stored, (128, 128, 128)), "JPEG", quality=95, exif=exif)
    out, made = apply_watermark(data)
    shown = displayed(out)
    assert (made.width, made.height) == shown.size == (400, 300)
    assert made.box == Box(310, 10, 80, 40)
    assert all(
        is_near(*pair, by=6) for pair in zip(quarters(shown, made.box), QUARTERS, strict=True)
    )
    assert opened(out).getexif()[0x0112] == orientation
    beside = shown.getpixel((made.box.left - 20, made.box.top + made.box.height + 20))
    assert isinstance(beside, tuple)
    assert is_near(beside, (128, 128, 128), by=2)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [60, 92])
@pytest.mark.parametrize("progressive", [False, True])
def test_outside_the_logo_the_picture_stays(
    subsampling: int, quality: int, progressive: bool, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(
        photo(), "JPEG", quality=quality, subsampling=subsampling, progressive=progressive
    )
    out, made = apply_watermark(data)
    before, after = jpeg(data), jpeg(out)
    assert after.quantization == before.quantization
    assert get_sampling(after) == subsampling
    assert bool(after.info.get("progressive")) is progressive
    assert psnr_outside(before, after, made.box, MCU) >= 48


def test_profile_exif_xmp_comment_and_resolution_stay_and_the_rest_goes(
    apply_watermark: ApplyWatermark,
) -> None:
    exif = exif_with_thumbnail(THUMBNAIL, orientation=6, tail=b"TAIL")
    profile = srgb_profile()
    data = encoded(
        photo(),
        "JPEG",
        exif=exif,
        icc_profile=profile,
        comment=b"a comment",
        dpi=(240, 240),
        xmp=b"<x:xmpmeta><xmp:Thumbnails>/9j/</xmp:Thumbnails><mine/></x:xmpmeta>",
    )
    out, made = apply_watermark(data + b"PK\3\4 a ZIP behind the picture")
    info = opened(out).info
    assert info["icc_profile"] == profile
    assert info["dpi"] == (240, 240)
    assert info["xmp"] == b"<x:xmpmeta><mine/></x:xmpmeta>"
    assert info["exif"].endswith(b"TAIL")
    assert len(info["exif"]) == len(exif)
    assert info["comment"] == b"a comment"
    assert THUMBNAIL[:30] not in out[2:]
    assert b"ZIP" not in out
    assert out.endswith(b"\xff\xd9")
    assert made.notes == (
        "previews were removed: they show the picture without the watermark",
        "data behind the picture was dropped",
    )


def test_exif_with_a_damaged_link_stays(apply_watermark: ApplyWatermark) -> None:
    exif = bytearray(exif_with_thumbnail(THUMBNAIL, orientation=6))
    link = 6 + 8 + 2 + 24
    exif[link : link + 4] = b"\xff\xff\xff\xf0"
    out, made = apply_watermark(encoded(photo(), "JPEG", exif=bytes(exif)))
    assert b"MAKERNOTE" in out
    assert opened(out).getexif()[0x0112] == 6
    assert (made.width, made.height) == (300, 400)


def test_grey_stays_grey(apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(mode="L"), "JPEG", quality=90)
    out, made = apply_watermark(data)
    before, after = jpeg(data), jpeg(out)
    assert after.mode == "L"
    assert after.quantization == before.quantization
    assert psnr_outside(before, after, made.box, 8) >= 48
    greys = [Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)) for colour in QUARTERS]
    found = [colour[0] for colour in quarters(after, made.box)]
    assert all(isinstance(g, int) and abs(g - f) < 6 for g, f in zip(greys, found, strict=True))


def without_adobe_segment(data: bytes) -> bytes:
    at = data.index(b"\xff\xee\x00\x0eAdobe")
    return data[:at] + data[at + 16 :]


def test_cmyk_stays_cmyk(apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(mode="CMYK"), "JPEG", quality=90)
    assert b"Adobe" in data
    out, made = apply_watermark(data)
    after = jpeg(out)
    assert after.mode == "CMYK"
    assert after.info["adobe_transform"] == jpeg(data).info["adobe_transform"]
    assert psnr_outside(jpeg(data), after, made.box, 8) >= 48
    assert all(
        is_near(*pair, by=8) for pair in zip(quarters(after, made.box), QUARTERS, strict=True)
    )


def test_cmyk_without_adobes_overlay_stays_without_it(apply_watermark: ApplyWatermark) -> None:
    data = without_adobe_segment(encoded(photo(mode="CMYK"), "JPEG", quality=90))
    out, made = apply_watermark(data)
    assert b"Adobe" not in out
    assert psnr_outside(jpeg(data), jpeg(out), made.box, 8) >= 48
    plain = Image.eval(jpeg(out), lambda ink: 255 - ink)  # Pillow takes every CMYK for Adobe's
    assert all(
        is_near(*pair, by=8) for pair in zip(quarters(plain, made.box), QUARTERS, strict=True)
    )


def test_ycck_keeps_its_colours(apply_watermark: ApplyWatermark) -> None:
    """YCCK is CMYK with another transform: the same bytes under another label."""
    data = encoded(photo(mode="CMYK"), "JPEG", quality=95)
    at = data.index(b"Adobe") + 11
    ycck = data[:at] + b"\2" + data[at + 1 :]
    out, made = apply_watermark(ycck)
    assert psnr_outside(jpeg(ycck), jpeg(out), made.box, 8) >= 44
    assert all(
        is_near(*pair, by=12) for pair in zip(quarters(jpeg(out), made.box), QUARTERS, strict=True)
    )


def test_ycck_gets_the_fine_table_for_every_ink(apply_watermark: ApplyWatermark) -> None:
    fine, coarse = [3] * 64, [40] * 64
    data = encoded(photo(mode="CMYK"), "JPEG", qtables=[fine, coarse])
    at = data.index(b"Adobe") + 11
    out, _ = apply_watermark(data[:at] + b"\2" + data[at + 1 :])
    assert jpeg(out).quantization == {0: fine}


def test_inks_keep_their_own_tables(apply_watermark: ApplyWatermark) -> None:
    tables = [[3] * 64, [5] * 64, [5] * 64, [7] * 64]
    out, _ = apply_watermark(encoded(photo(mode="CMYK"), "JPEG", qtables=tables))
    found = jpeg(out)
    assert [found.quantization[number] for _, _, _, number in found.layer] == tables


def test_jfif_outweighs_components_named_rgb(apply_watermark: ApplyWatermark, way: str) -> None:
    data = bytearray(encoded(photo(), "JPEG", quality=90, subsampling=0))
    for start, step in ((data.index(b"\xff\xc0") + 10, 3), (data.index(b"\xff\xda") + 5, 2)):
        for index, name in enumerate(b"RGB"):
            data[start + index * step] = name
    out, made = apply_watermark(bytes(data))
    assert [layer[0] for layer in jpeg(out).layer] == (
        [1, 2, 3] if way == "decode" else list(b"RGB")
    )
    assert psnr_outside(jpeg(bytes(data)), jpeg(out), made.box, 8) >= 48


def test_exif_longer_than_a_segment_is_cut_to_what_fits(
    apply_watermark: ApplyWatermark,
) -> None:
    exif = exif_with_thumbnail(THUMBNAIL, orientation=8, tail=bytes(70_000))
    segments = b"".join(
        b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part
        for part in (exif[6:60_000], exif[60_000:])
    )
    data = encoded(photo(), "JPEG")
    out, made = apply_watermark(data[:20] + segments + data[20:])
    assert (made.width, made.height) == (300, 400)
    assert dict(opened(out).getexif()) == {0x0112: 8, 0x010E: "MAKERNOTE at a fixed place"}
    assert len(opened(out).info["exif"]) < 100


@pytest.mark.parametrize(("unit", "density"), [(0, (4, 3)), (1, (240, 300)), (2, (118, 117))])
def test_the_density_stays_in_its_unit(
    unit: int, density: tuple[int, int], apply_watermark: ApplyWatermark
) -> None:
    """Through dots per inch, 118 dots per cm would become 300 dpi."""
    data = bytearray(encoded(photo(), "JPEG"))
    data[13:18] = struct.pack(">BHH", unit, *density)
    out, _ = apply_watermark(bytes(data))
    assert out[6:18] == bytes(data[6:18])


def test_a_jpeg_that_holds_rgb_stays_so(apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo(), "JPEG", quality=90, keep_rgb=True)
    out, made = apply_watermark(data)
    assert [layer[0] for layer in jpeg(out).layer] == list(b"RGB")
    assert psnr_outside(jpeg(data), jpeg(out), made.box, 8) >= 48


def test_an_unusual_subsampling_loses_no_colour(apply_watermark: ApplyWatermark, way: str) -> None:
    """4:4:0 (vertical only) is none that Pillow writes: decoded it becomes 4:4:4."""
    data = bytearray(encoded(Image.new("RGB", (64, 64), (200, 90, 40)), "JPEG", subsampling=1))
    frame = data.index(b"\xff\xc0")
    assert data[frame + 11] == 0x21
    data[frame + 11] = 0x12
    out, _ = apply_watermark(bytes(data))
    assert get_sampling(jpeg(out)) == (0 if way == "decode" else -1)


def test_a_half_transparent_logo_lets_the_picture_through(apply_watermark: ApplyWatermark) -> None:
    data = encoded(Image.new("RGB", (400, 300), (0, 0, 0)), "JPEG", quality=95)
    out, made = apply_watermark(data, quartered_logo(alpha=128))
    halves = [(r // 2, g // 2, b // 2) for r, g, b in QUARTERS]
    assert all(
        is_near(*pair, by=6) for pair in zip(quarters(opened(out), made.box), halves, strict=True)
    )


@pytest.mark.parametrize("size", [(4, 4), (5, 300), (300, 5), (11, 11), (17, 9)])
def test_tiny_pictures(size: tuple[int, int], apply_watermark: ApplyWatermark) -> None:
    data = encoded(Image.new("RGB", size, (9, 9, 9)), "JPEG")
    out, made = apply_watermark(data, profile=Profile("a", min_size=4))
    assert made.method != "skip"
    assert opened(out).size == size
    assert made.box.left >= 0
    assert made.box.left + made.box.width <= size[0]
    assert made.box.top + made.box.height <= size[1]


def test_a_logo_larger_than_its_box_is_scaled_down(apply_watermark: ApplyWatermark) -> None:
    data = encoded(Image.new("RGB", (100, 100), (128, 128, 128)), "JPEG", quality=95)
    out, made = apply_watermark(data, quartered_logo((3000, 1500)))
    assert made.box == Box(70, 10, 20, 10)
    assert all(
        is_near(*pair, by=30)
        for pair in zip(quarters(opened(out), made.box), QUARTERS, strict=True)
    )


def test_a_phone_jpeg_loses_the_pictures_behind_it(apply_watermark: ApplyWatermark) -> None:
    mpo = encoded(photo(), "MPO", save_all=True, append_images=[photo((300, 200))])
    out, made = apply_watermark(mpo)
    assert made.format == "JPEG"
    assert out.count(b"\xff\xd8\xff") == 1
    assert b"MPF\0" not in out


def test_cmyk_keeps_the_resolution_that_jfif_says(apply_watermark: ApplyWatermark) -> None:
    """libjpeg writes no such segment for CMYK; Photoshop does."""
    data = encoded(photo(mode="CMYK"), "JPEG")
    jfif = struct.pack(">2sH5sHBHHH", b"\xff\xe0", 16, b"JFIF\0", 0x0101, 1, 240, 240, 0)
    out, _ = apply_watermark(data[:2] + jfif + data[2:])
    assert opened(out).info["dpi"] == (240, 240)
    assert opened(out).mode == "CMYK"
