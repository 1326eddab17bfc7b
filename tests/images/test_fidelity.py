"""Nothing is lost outside the overlay that could be kept, and its colours are right."""

import struct

import numpy as np
import pytest
from PIL import Image

from media_processor.images.colour import convert_to_srgb
from media_processor.images.containers import jpeg
from media_processor.images.geometry import Box
from media_processor.images.logo import Logo
from media_processor.images.metadata import Metadata
from media_processor.images.probe import probe
from tests.pairwise import pairwise

from .conftest import ApplyWatermark
from .pictures import (
    LIMITS,
    QUARTERS,
    WRITABLE,
    displayed,
    encoded,
    exif_with_thumbnail,
    is_near,
    opened,
    orientation_exif,
    photo,
    psnr_outside,
    quarters,
)
from .profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    cmyk_profile,
    delta_e,
    grey_profile,
    lab,
    rgb_profile,
    xyb,
    xyb_profile,
)

# A colour that every space below can show, but for grey.
MUTED = ((176, 84, 70), (92, 140, 96), (80, 96, 150), (190, 170, 90))
GREYS = ((40, 40, 40), (100, 100, 100), (170, 170, 170), (230, 230, 230))

PROFILES = {
    "Display P3": ("RGB", rgb_profile(DISPLAY_P3), MUTED),
    "Adobe RGB": ("RGB", rgb_profile(ADOBE_RGB), MUTED),
    "grey": ("L", grey_profile(), GREYS),
    "CMYK": ("CMYK", cmyk_profile(), MUTED),
}


def logo_of(colours: tuple[tuple[int, int, int], ...]) -> Logo:
    small = Image.new("RGB", (2, 2))
    small.putdata(colours)
    return Logo(small.resize((60, 30), Image.Resampling.NEAREST).convert("RGBA"), "0" * 64)


@pytest.mark.parametrize(
    ("space", "kind"),
    [(space, kind) for space in PROFILES for kind in ("JPEG", "TIFF")]
    + [("grey", "PNG")]
    + [(space, kind) for space in ("Display P3", "Adobe RGB") for kind in ("PNG", "WEBP")],
)
def test_the_overlay_has_its_own_colours_in_every_space(
    space: str, kind: str, apply_watermark: ApplyWatermark
) -> None:
    mode, icc, colours = PROFILES[space]
    choices: dict[str, dict[str, int]] = {"JPEG": {"quality": 97}, "WEBP": {"lossless": True}}
    options = choices.get(kind, {})
    if (kind, mode) == ("JPEG", "RGB"):
        options |= {"subsampling": 0}
    data = encoded(photo((400, 300), mode), kind, icc_profile=icc, **options)
    out, made = apply_watermark(data, logo_of(colours))
    after = opened(out)
    assert after.info["icc_profile"] == icc
    shown = lab(after, icc)
    box = made.box
    for index, colour in enumerate(colours):
        x = box.left + box.width * (2 * (index % 2) + 1) // 4
        y = box.top + box.height * (2 * (index // 2) + 1) // 4
        patch = shown[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).mean(axis=0)
        wanted = lab(Image.new("RGB", (1, 1), colour), None)[0, 0]
        assert delta_e(patch, wanted) <= 2, (space, colour, patch, wanted)


def half_blue(picture: Image.Image, icc: bytes) -> bytes:
    """A JPEG as jpegli writes it, B at half the size, but with a scan for each component."""
    red, green, blue = picture.split()
    blue = blue.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    planes = [encoded(plane, "JPEG", quality=98) for plane in (red, green, blue)]
    found = [list(jpeg.segments(plane)) for plane in planes]
    tables = {
        marker: b"".join(planes[0][s.start : s.end] for s in found[0] if s.marker == marker)
        for marker in (jpeg.DQT, jpeg.DHT)
    }
    profile = struct.pack(">HH", 0xFFE2, len(icc) + 16) + b"ICC_PROFILE\0\1\1" + icc
    frame = struct.pack(">HHBHHB", 0xFFC0, 17, 8, picture.height, picture.width, 3)
    frame += b"R\x22\0G\x22\0B\x11\0"
    scans = b""
    for name, plane, parts in zip(b"RGB", planes, found, strict=True):
        (start,) = (s.end for s in parts if s.marker == jpeg.SOS)
        scans += struct.pack(">HHBBBBBB", 0xFFDA, 8, 1, name, 0, 0, 63, 0) + plane[start:-2]
    adobe = b"\xff\xee\0\x0eAdobe\0\x64" + bytes(5)
    pieces = (b"\xff\xd8", adobe, profile, tables[jpeg.DQT], frame, tables[jpeg.DHT], scans)
    return b"".join((*pieces, b"\xff\xd9"))


@pytest.mark.parametrize("halves", [False, True])
def test_the_overlay_has_its_own_colours_in_an_xyb_jpeg(
    halves: bool, apply_watermark: ApplyWatermark
) -> None:
    """As jpegli and libjxl write it. Its profile leads one way only."""
    icc, picture = xyb_profile(), photo((400, 304))
    data = half_blue(xyb(picture), icc)
    if not halves:
        data = encoded(
            xyb(picture), "JPEG", icc_profile=icc, keep_rgb=True, quality=98, subsampling=0
        )
    seen = convert_to_srgb(opened(data), icc)
    assert psnr_outside(picture, seen, Box(0, 0, 1, 1), 0) > 33, "the profile is as it should be"
    out, made = apply_watermark(data, logo_of(MUTED))
    after = opened(out)
    assert after.info["icc_profile"] == icc
    found = quarters(convert_to_srgb(after, icc), made.box)
    assert all(is_near(*pair, by=12) for pair in zip(found, MUTED, strict=True)), found
    assert psnr_outside(opened(data), after, made.box, 16) > 48


def test_without_conversion_the_colours_would_be_wrong() -> None:
    """What the test above would see: it can fail."""
    for space in ("Display P3", "Adobe RGB"):
        icc = PROFILES[space][1]
        raw = Image.new("RGB", (1, 1), MUTED[0])
        assert delta_e(lab(raw, icc)[0, 0], lab(raw, None)[0, 0]) > 3


def test_the_distance_of_colours_is_sharmas() -> None:
    """Pairs 1, 7 and 17 of the paper's table of test data."""
    for one, other, distance in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ):
        assert abs(delta_e(np.array(one), np.array(other)) - distance) < 1e-3


def test_a_bogus_profile_does_no_harm(apply_watermark: ApplyWatermark) -> None:
    bogus = b"\0\7\xa1\x20" + bytes(range(256)) * 200
    data = encoded(photo(), "JPEG", icc_profile=bogus, quality=95, subsampling=0)
    out, made = apply_watermark(data)
    assert opened(out).info["icc_profile"] == bogus
    assert all(
        is_near(*pair, by=6) for pair in zip(quarters(opened(out), made.box), QUARTERS, strict=True)
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_the_overlay_is_displayed_upright_at_the_top_right(
    kind: str, orientation: int, apply_watermark: ApplyWatermark
) -> None:
    stored = (300, 400) if orientation >= 5 else (400, 300)
    picture = Image.new("RGB", stored, (128, 128, 128))
    out, made = apply_watermark(encoded(picture, kind, exif=orientation_exif(orientation)))
    shown = displayed(out)
    assert shown.size == (400, 300)
    assert made.box == Box(310, 10, 80, 40)
    found = quarters(shown, made.box)
    assert all(is_near(*pair, by=8) for pair in zip(found, QUARTERS, strict=True))
    assert probe(out, LIMITS).orientation == orientation


@pytest.mark.parametrize(
    ("options", "subsampling", "quality"),
    pairwise([{}, {"progressive": True}, {"optimize": True}], [0, 1, 2], [30, 60, 75, 85, 92, 98]),
)
def test_a_jpeg_outside_the_overlay_is_as_good_as_it_was(
    options: dict[str, bool], subsampling: int, quality: int, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo((401, 303)), "JPEG", quality=quality, subsampling=subsampling, **options)
    out, made = apply_watermark(data)
    likeness = psnr_outside(opened(data), opened(out), made.box, 16)
    assert likeness >= (55 if subsampling != 1 else 48)
    assert abs(len(out) / len(data) - 1) <= 0.12  # of a small file the overlay is a large part


THUMBNAIL = encoded(photo((40, 30)), "JPEG")
XMP = (
    b'<x:xmpmeta><rdf:Description exif:GPSLatitude="48,8N" dc:title="t"><xmp:Thumbnails><rdf:Alt>'
    b"/9j/4AA</rdf:Alt></xmp:Thumbnails><exif:GPSLongitude>11,34E</exif:GPSLongitude><mine/>"
    b"</rdf:Description></x:xmpmeta>"
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_exif_and_xmp_stay_without_previews(kind: str, apply_watermark: ApplyWatermark) -> None:
    exif = exif_with_thumbnail(THUMBNAIL, orientation=6, tail=b"TAIL")
    data = encoded(photo(), kind, exif=exif, **({"xmp": XMP} if kind != "PNG" else {}))
    out, _ = apply_watermark(data)
    info = opened(out).info
    assert info["exif"].endswith(b"TAIL") or kind == "AVIF"  # there Pillow writes it anew
    assert THUMBNAIL[-60:-10] not in out
    assert b"Thumbnails" not in out
    assert opened(out).getexif()[0x010E] == "MAKERNOTE at a fixed place"
    if kind != "PNG":
        assert b"<mine/>" in info["xmp"]


def test_a_preview_in_a_makernote_goes(apply_watermark: ApplyWatermark) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8769)[0x927C] = b"NOTE" + THUMBNAIL
    out, _ = apply_watermark(encoded(photo(), "JPEG", exif=exif.tobytes()))
    assert THUMBNAIL[-60:-10] not in out
    assert opened(out).getexif()[0x010F] == "Camera"


def test_where_it_was_taken_can_be_stripped() -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif[0x0132] = "2026:01:01 00:00:01"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 15.5), 3: "E", 4: (11.0, 34.0, 1.5)})
    payload = exif.tobytes().removeprefix(b"Exif\0\0")
    kept = Metadata(b"ICC", payload, XMP, b"").to_keep(1, "gps")
    found = Image.Exif()
    found.load(kept.exif)
    assert (found[0x010F], found[0x0132]) == ("Camera", "2026:01:01 00:00:01")
    assert 0x8825 not in found
    assert b"GPS" not in kept.xmp
    assert b'dc:title="t"' in kept.xmp
    assert b"<mine/>" in kept.xmp
    # 48, 8 and 15.5 as fractions lie no longer anywhere in the payload.
    assert b"\0\0\0\x30" not in kept.exif
    assert b"\x30\0\0\0" not in kept.exif


def test_everything_can_be_stripped_but_profile_and_orientation() -> None:
    kept = Metadata(b"ICC", b"MM", XMP, b"8BIM").to_keep(6, "all")
    assert (kept.icc, kept.xmp, kept.iptc) == (b"ICC", b"", b"")
    found = Image.Exif()
    found.load(kept.exif)
    assert dict(found) == {0x0112: 6}


def resource(number: int, payload: bytes) -> bytes:
    padded = payload + bytes(len(payload) % 2)
    return b"8BIM" + number.to_bytes(2) + b"\0\0" + len(payload).to_bytes(4) + padded


def test_iptc_stays_and_photoshops_thumbnail_goes(apply_watermark: ApplyWatermark) -> None:
    block = resource(0x0404, b"\x1c\2\x78\0\5hello") + resource(0x040C, b"preview" + THUMBNAIL)
    data = encoded(photo(), "JPEG")
    payload = b"Photoshop 3.0\0" + block
    segment = b"\xff\xed" + (len(payload) + 2).to_bytes(2) + payload
    out, _ = apply_watermark(data[:20] + segment + data[20:])
    assert b"hello" in out
    assert b"preview" not in out
    assert THUMBNAIL[-60:-10] not in out


@pytest.mark.parametrize("kind", WRITABLE)
def test_what_lies_behind_the_picture_goes(kind: str, apply_watermark: ApplyWatermark) -> None:
    out, _ = apply_watermark(encoded(photo(), kind) + b"PK\3\4 <?php echo 1; ?>")
    assert b"PK\3\4" not in out
    assert b"<?php" not in out
