"""A gain map stays behind its picture, and where the logo lies it means a boost of 1."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from media_processor.images.containers import jpeg
from media_processor.images.geometry import Box
from media_processor.images.profile import Profile, Tile
from media_processor.images.watermark import Watermarked

from .coefficients import components
from .conftest import ApplyWatermark
from .hdr_files import (
    URN,
    VIDEO,
    XMP_MARK,
    Curve,
    apple,
    gain_map,
    iphone_heic,
    second_picture,
    segment,
    ultra_hdr,
    xmp_packet,
)
from .pictures import encoded, opened, orientation_exif, photo, quartered_logo

CURVES = [
    Curve(),
    Curve(low=-1.5, high=2.5),
    Curve(low=-0.25, high=4.0, gamma=0.7),
    Curve(high=2.3, gamma=1.4),
]
BRIGHT = gain_map((100, 75))


def boosts(found: bytes, curve: Curve, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Of every pixel of the picture in ``box``, as a viewer interpolates them."""
    image = opened(found).convert("L").resize(size, Image.Resampling.BILINEAR)
    part = image.crop((box.left, box.top, box.left + box.width, box.top + box.height))
    return np.asarray(np.vectorize(curve.boost)(np.asarray(part, float)))


def check_map(before: bytes, after: bytes, made: Watermarked, folder: Path, exact: bool) -> None:
    """Far from the logo the map is as it was, to the coefficient where nothing was decoded."""
    old, new = components(before, folder), components(after, folder)
    width, height = opened(before).size
    scale = width / made.width, height / made.height
    for one, other in zip(old, new, strict=True):
        assert np.array_equal(one.steps, other.steps)
        for row, column in np.argwhere((one.coefficients != other.coefficients).any(axis=(2, 3))):
            left, top = column * 8 * one.pixels[0], row * 8 * one.pixels[1]
            near = (
                made.box.left * scale[0] - 24
                <= left
                <= (made.box.left + made.box.width) * scale[0] + 8
                and made.box.top * scale[1] - 24
                <= top
                <= (made.box.top + made.box.height) * scale[1] + 8
            )
            assert near or not exact


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("form", ["xmp", "iso", "common denominator", "no index"])
def test_the_logo_is_as_bright_as_in_sdr(
    form: str, curve: Curve, apply_watermark: ApplyWatermark, way: str, tmp_path: Path
) -> None:
    iso = {"iso": curve.iso, "common denominator": curve.iso_with_common_denominator}.get(form, b"")
    data = ultra_hdr(curve=curve, xmp=not iso, iso=iso, index=form != "no index")
    out, made = apply_watermark(data, quartered_logo((200, 100)))
    assert made.method == way
    assert not made.notes
    if form == "no index":
        found = out[jpeg.picture_end(out) :]
        assert b"MPF\0" not in out
    else:
        found = second_picture(out)
        assert (URN in out) == bool(iso)
    assert found.startswith(b"\xff\xd8\xff")
    assert out.endswith(found)
    inside = boosts(found, curve, made.box, (made.width, made.height))
    assert abs(inside - 1).max() <= 0.02
    before = data[jpeg.picture_end(data) :]
    check_map(before, found, made, tmp_path, exact=way == "splice")
    assert f'Item:Length="{len(found)}"'.encode() in out or iso
    segments = [before[s.start : s.end] for s in jpeg.segments(before) if s.marker in (0xE1, 0xE2)]
    assert all(each in found for each in segments)


def test_three_channels_have_curves_of_their_own(apply_watermark: ApplyWatermark) -> None:
    lists = {
        "GainMapMin": (-1.0, 0.0, -0.5),
        "GainMapMax": (3.0, 2.0, 3.5),
    }
    listed = {
        name: "".join(f"<rdf:li>{n}</rdf:li>" for n in values) for name, values in lists.items()
    }
    inside = "".join(
        f"<hdrgm:{name}><rdf:Seq>{items}</rdf:Seq></hdrgm:{name}>" for name, items in listed.items()
    )
    packet = xmp_packet('hdrgm:Version="1.0"', inside)
    colours = gain_map((200, 152), "RGB", segment(0xE1, XMP_MARK + packet))
    out, made = apply_watermark(ultra_hdr(map_jpeg=colours, xmp=False), quartered_logo((200, 100)))
    image = opened(second_picture(out)).convert("RGB")
    at = made.box.left + made.box.width // 2, made.box.top + made.box.height // 2
    pixel = image.getpixel((at[0] // 2, at[1] // 2))
    assert isinstance(pixel, tuple)
    for sample, low, high in zip(pixel, *lists.values(), strict=True):
        assert 2 ** (low + (high - low) * sample / 255) == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_turned_picture(orientation: int, apply_watermark: ApplyWatermark) -> None:
    picture = encoded(photo((400, 300)), "JPEG", exif=orientation_exif(orientation))
    out, made = apply_watermark(ultra_hdr(picture), quartered_logo((200, 100)))
    turned = opened(second_picture(out)).convert("L")
    turned = turned.transpose(
        {
            3: Image.Transpose.ROTATE_180,
            6: Image.Transpose.ROTATE_270,
            8: Image.Transpose.ROTATE_90,
        }[orientation]
    )
    inside = boosts(encoded(turned, "PNG"), Curve(), made.box, (made.width, made.height))
    assert abs(inside - 1).max() <= 0.02


def test_apples_map_and_no_preview(apply_watermark: ApplyWatermark) -> None:
    preview = encoded(photo((80, 60)), "JPEG")
    out, made = apply_watermark(apple(None, preview), quartered_logo((200, 100)))
    found = second_picture(out)
    assert b"hdrgainmap" in found
    assert opened(out).n_frames == 2  # type: ignore[attr-defined]
    assert preview[-40:] not in out
    assert made.notes == ("further pictures in the file were dropped, such as previews",)
    left, top = made.box.left // 4 + 4, made.box.top // 4 + 4
    sample = opened(found).getpixel((left, top))
    assert isinstance(sample, int)
    assert sample <= 1


def test_a_tile_and_a_soft_logo(apply_watermark: ApplyWatermark) -> None:
    profile = Profile("tiled", tile=Tile(angle=20), opacity=0.5)
    out, made = apply_watermark(ultra_hdr(), quartered_logo(), profile=profile)
    found, before = opened(second_picture(out)), opened(gain_map())
    assert len(made.boxes) > 4
    means = [float(np.asarray(image).mean()) for image in (before, found)]
    assert 0.2 * means[0] < means[1] < 0.9 * means[0]


def test_a_map_and_a_video_both_stay(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(ultra_hdr(video=VIDEO, padding=0))
    assert out.endswith(VIDEO)
    found = second_picture(out)
    assert out.endswith(found + VIDEO)
    assert f'Item:Length="{len(found)}"'.encode() in out
    assert f'Item:Length="{len(VIDEO)}"'.encode() in out
    assert not made.notes


@pytest.mark.parametrize("strip", ["gps", "all"])
def test_stripping_leaves_the_map_and_what_names_it(
    strip: str, apply_watermark: ApplyWatermark
) -> None:
    data = ultra_hdr(encoded(photo((400, 300)), "JPEG", comment=b"mine"), video=VIDEO)
    out, made = apply_watermark(data, profile=Profile("p", strip=strip))  # type: ignore[arg-type]
    found = second_picture(out)
    assert out.endswith(found)
    picture = out[: -len(found)]
    assert b'hdrgm:Version="1.0"' in picture
    assert f'Item:Length="{len(found)}"'.encode() in out
    assert b"ftyp" not in out
    assert b"GCamera:MotionPhoto" not in out
    assert (b'dc:source="a phone"' in picture) == (b"mine" in picture) == (strip == "gps")
    assert "the video of the motion photo was dropped, as the profile requires" in made.notes


@pytest.mark.parametrize("low", [-1.0, 0.0, 0.5])
def test_a_map_without_a_boost_of_1_is_noted(low: float, apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(ultra_hdr(curve=Curve(low)))
    assert any("no boost of 1" in note for note in made.notes) == (low > 0)


@pytest.mark.parametrize("strip", ["none", "gps", "all"])
def test_stripping_finds_a_place_in_the_maps_xmp_too(
    strip: str, apply_watermark: ApplyWatermark
) -> None:
    data = ultra_hdr().replace(b'dc:source="a phone"', b'exif:GPSAlt="12345"')
    out, _ = apply_watermark(data, profile=Profile("p", strip=strip))  # type: ignore[arg-type]
    found = second_picture(out)
    assert (b"GPSAlt" in found, b"GPSAlt" in out) == (
        (True, True) if strip == "none" else (False,) * 2
    )
    assert b"hdrgm:GainMapMax" in found


def test_padding_before_the_map_goes_and_is_no_longer_announced(
    apply_watermark: ApplyWatermark,
) -> None:
    out, _ = apply_watermark(ultra_hdr(index=False, padding=64))
    assert b'Item:Padding="0"' in out
    assert out[jpeg.picture_end(out) :].startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        (lambda data: data[: jpeg.picture_end(data)], None),
        (lambda data: data[: jpeg.picture_end(data)] + b"x" * 3000, "isn't where the file says"),
        (lambda data: data[:-2500] + bytes(2500), "isn't where the file says"),
    ],
    ids=["cut off", "rubbish", "zeros in it"],
)
def test_a_map_that_is_not_there_leaves_no_promise(
    damage: object, note: str | None, apply_watermark: ApplyWatermark
) -> None:
    assert callable(damage)
    data = damage(ultra_hdr())
    out, made = apply_watermark(data)
    assert opened(out).format == "JPEG"
    if b"GainMap" in out:  # a map that is damaged behind its header is still one
        assert second_picture(out)
        return
    assert b"hdrgm:Version" not in out
    assert b"Container:Directory" not in out
    assert b"MPF\0" not in out
    assert b'dc:source="a phone"' in out
    assert not note or any(note in each for each in made.notes)


@pytest.mark.parametrize(("maker_note", "stops"), [((1.2, 0.005), 2.65), ((0.5, 0.02), 1.599)])
def test_an_iphones_map_becomes_one_of_iso_21496(
    maker_note: tuple[float, float], stops: float, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(
        iphone_heic(photo((400, 300)), maker_note), quartered_logo((200, 100))
    )
    found = second_picture(out)
    curve = Curve(high=stops)
    (payload,) = (
        found[each.start + 4 : each.end] for each in jpeg.segments(found) if each.marker == 0xE2
    )
    assert payload.startswith(URN)
    said = struct.unpack(">14I", payload[len(URN) + 5 :])
    assert said[2] / said[3] == said[6] / said[7] == pytest.approx(stops, abs=0.001)
    assert abs(boosts(found, curve, made.box, (400, 300)) - 1).max() <= 0.02
    # Away from the logo it is the boost that Apple's words say, as the map is the picture, smaller.
    expected, got = (
        np.asarray(each, float)[40:]
        for each in (
            photo((400, 300)).convert("L").resize((100, 75)),
            opened(found).resize((100, 75)),
        )
    )
    share = expected / 255
    linear = np.where(share < 0.081, share / 4.5, ((share + 0.099) / 1.099) ** (1 / 0.45))
    boost = 1 + (2**stops - 1) * linear
    assert np.median(abs(np.vectorize(curve.boost)(got) / boost - 1)) < 0.1
    assert not any("gain map" in note for note in made.notes)
    assert opened(out).getexif()[0x010F] == "Cam"


def test_a_heics_map_without_a_headroom_is_reported(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(iphone_heic(photo((400, 300)), None))
    assert "the HDR gain map was dropped" in made.notes
    assert b"MPF\0" not in out


def test_a_converted_picture_says_that_its_map_is_gone(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(ultra_hdr(), profile=Profile("p", format="webp"))
    assert any("gain map" in note for note in made.notes)
    assert b"hdrgm:Version" not in out
