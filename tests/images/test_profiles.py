"""What each key of a profile does to a picture."""

from itertools import product
from typing import get_args

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from media_processor import formats
from media_processor.images.geometry import MOST_TILES, place, tiles
from media_processor.images.logo import Logo, Rotated
from media_processor.images.metadata import Strip
from media_processor.images.profile import Anchor, Blend, Profile, ScaleOf, Tile

from .boxes import is_inside
from .conftest import ApplyWatermark
from .pictures import (
    QUARTERS,
    animated,
    encoded,
    heic,
    is_near,
    opened,
    orientation_exif,
    photo,
    quartered_logo,
    quarters,
    srgb_profile,
)

WHITE, BLACK = (255, 255, 255), (0, 0, 0)

sides = st.one_of(st.integers(1, 65_500), st.integers(1, 50))
sizes = st.tuples(sides, sides)
logos = st.tuples(st.integers(1, 4096), st.integers(1, 4096))
lengths = st.one_of(st.integers(0, 65_500), st.floats(0, 100).map(lambda share: f"{share:.2f}%"))
profiles = st.builds(
    Profile,
    name=st.just("any"),
    scale=st.floats(0.0001, 1),
    scale_of=st.sampled_from(get_args(ScaleOf)),
    min_size=st.none() | st.integers(1, 100),
    max_size=st.none() | st.integers(100, 65_500),
    anchor=st.sampled_from(get_args(Anchor)),
    margin=lengths,
    rotate=st.floats(-360, 360),
    tile=st.none() | st.builds(Tile, spacing=lengths, angle=st.floats(-180, 180)),
)


def plain(colour: tuple[int, ...] = WHITE, size: tuple[int, int] = (64, 32)) -> Logo:
    return Logo(Image.new("RGBA", size, (*colour, 255)), "0" * 64)


def grey(size: tuple[int, int] = (400, 300), value: int = 128) -> bytes:
    return encoded(Image.new("RGB", size, (value, value, value)), "PNG")


@given(sizes, logos, profiles)
def test_the_overlay_lies_inside_with_its_aspect(
    picture: tuple[int, int], logo: tuple[int, int], profile: Profile
) -> None:
    box = place(picture, logo, profile)
    assert is_inside(box, picture)
    # Each side is off by less than a pixel from the exact aspect, unless that is below one.
    assert (
        abs(box.width * logo[1] - box.height * logo[0]) <= max(logo)
        or min(box.width, box.height) == 1
    )


@given(sizes, logos, profiles)
def test_every_tile_reaches_into_the_picture(
    picture: tuple[int, int], logo: tuple[int, int], profile: Profile
) -> None:
    boxes = tiles(picture, logo, profile)
    assert 1 <= len(boxes) <= MOST_TILES
    assert len({(box.width, box.height) for box in boxes}) == 1
    for box in boxes:
        assert -box.width < box.left < picture[0]
        assert -box.height < box.top < picture[1]


@pytest.mark.parametrize("anchor", get_args(Anchor))
def test_nine_anchors(anchor: Anchor, apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(grey(), plain(), profile=Profile("a", anchor=anchor, margin="5%"))
    across = {"left": 15, "right": 400 - 15 - 80}
    down = {"top": 15, "bottom": 300 - 15 - 40}
    assert made.box.left == next((x for key, x in across.items() if key in anchor), 160)
    assert made.box.top == next((y for key, y in down.items() if key in anchor), 130)


@pytest.mark.parametrize(
    ("profile", "size"),
    [
        (Profile("a", scale=0.5, scale_of="box"), (200, 100)),
        (Profile("a", scale=0.5, scale_of="width"), (200, 100)),
        (Profile("a", scale=0.5, scale_of="height"), (300, 150)),
        (Profile("a", scale=0.5, scale_of="short-side"), (150, 75)),
        (Profile("a", scale=0.125, scale_of="area"), (173, 86)),
        (Profile("a", scale=0.01, min_size=60), (60, 30)),
        (Profile("a", scale=1, max_size=120), (120, 60)),
        (Profile("a", scale=1, scale_of="height"), (400, 200)),
    ],
)
def test_the_scale(
    profile: Profile, size: tuple[int, int], apply_watermark: ApplyWatermark
) -> None:
    _, made = apply_watermark(grey(), plain(), profile=profile)
    assert (made.box.width, made.box.height) == size


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("JPEG", "CMYK")])
@pytest.mark.parametrize(
    ("blend", "under", "mark", "seen"),
    [
        ("normal", 200, 100, 100),
        ("multiply", 200, 100, 78),
        ("screen", 200, 100, 222),
        ("multiply", 200, 255, 200),
        ("screen", 200, 0, 200),
    ],
)
def test_blending(
    blend: Blend,
    under: int,
    mark: int,
    seen: int,
    kind: str,
    mode: str,
    apply_watermark: ApplyWatermark,
) -> None:
    picture = Image.new("RGB", (200, 100), (under, under, under)).convert(mode)
    data = encoded(picture, kind)
    profile = Profile("a", blend=blend, scale=0.5)
    out, made = apply_watermark(data, plain((mark, mark, mark)), profile=profile)
    middle = made.box.left + 20, made.box.top + 10
    found = opened(out).convert("RGB").getpixel(middle)
    assert isinstance(found, tuple)
    assert is_near(found, (seen, seen, seen), 3)


@pytest.mark.parametrize("blend", ["normal", "multiply", "screen"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_sixteen_bits_blend_as_eight_do(
    blend: Blend, bands: int, apply_watermark: ApplyWatermark
) -> None:
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[bands]
    shallow = photo((120, 90), mode)
    memory = shallow.tobytes()
    image = pyvips.Image.new_from_memory(memory, 120, 90, bands, "uchar")
    deep = (image * 257).cast("ushort").copy(interpretation="grey16" if bands < 3 else "rgb16")
    profile = Profile(
        "a",
        blend=blend,
        opacity=0.7,
        scale=0.3,
        tile=Tile(4, 20),
    )
    logo = quartered_logo(alpha=200)
    one, _ = apply_watermark(encoded(shallow, "PNG"), logo, profile=profile)
    other, _ = apply_watermark(bytes(deep.pngsave_buffer(bitdepth=16)), logo, profile=profile)
    wide = pyvips.Image.new_from_buffer(other, "")
    assert wide.format == "ushort"
    found = np.frombuffer(wide.write_to_memory(), "u2").reshape(90, 120, bands) / 257
    wanted = np.frombuffer(opened(one).tobytes(), "u1").reshape(90, 120, bands)
    assert np.percentile(np.abs(found - wanted), 99) <= 2


def test_opacity(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(grey(value=100), plain(WHITE), profile=Profile("a", opacity=0.5))
    found = opened(out).getpixel((made.box.left + 5, made.box.top + 5))
    assert isinstance(found, tuple)
    assert is_near(found, (178, 178, 178), 2)


def test_rotation_keeps_the_corners(apply_watermark: ApplyWatermark) -> None:
    turned = Rotated(quartered_logo((60, 30)), 90)
    assert turned.size == (30, 60)
    profile = Profile("a", rotate=90, scale=0.4)
    out, made = apply_watermark(grey((300, 300)), quartered_logo((60, 30)), profile=profile)
    assert (made.box.width, made.box.height) == (60, 120)
    seen = opened(out).convert("RGB")
    # Counterclockwise: what was right is on top now.
    found = quarters(seen, made.box)
    red, green, blue, yellow = QUARTERS
    assert all(
        is_near(*pair, by=12) for pair in zip(found, (green, yellow, red, blue), strict=True)
    )


@pytest.mark.parametrize("orientation", [1, 6])
def test_tiles_cover_the_picture(orientation: int, apply_watermark: ApplyWatermark) -> None:
    profile = Profile("a", tile=Tile(10, 30), scale=0.1)
    data = encoded(
        Image.new("RGB", (400, 300), (128, 128, 128)), "PNG", exif=orientation_exif(orientation)
    )
    out, made = apply_watermark(data, plain(), profile=profile)
    seen = opened(out).convert("L")
    for left, top in product(range(0, 400, 100), range(0, 300, 100)):
        part = seen.crop((left, top, left + 100, top + 100))
        shades = {shade for _, shade in part.getcolors() or ()}
        assert {128, 255} <= shades
    assert len(made.boxes) > 20


@pytest.mark.parametrize(("ground", "chosen"), [(20, WHITE), (240, BLACK)])
def test_the_variant_with_more_contrast_is_taken(
    ground: int, chosen: tuple[int, ...], apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(grey(value=ground), plain(WHITE), plain(BLACK))
    assert opened(out).getpixel((made.box.left + 5, made.box.top + 5)) == chosen
    assert made.contrast is not None
    assert 15 < made.contrast <= 21


@pytest.mark.parametrize("size", [(400, 300), (6, 4)])
def test_variants_of_a_tile_in_sixteen_bits(
    size: tuple[int, int], apply_watermark: ApplyWatermark
) -> None:
    image = pyvips.Image.black(*size, bands=3).cast("ushort").copy(interpretation="rgb16")
    data = bytes(image.pngsave_buffer(bitdepth=16))
    profile = Profile("a", tile=Tile(2, 30), scale=1)
    out, made = apply_watermark(data, plain(WHITE), plain(BLACK), profile=profile)
    assert made.contrast is not None
    assert made.contrast > 15
    assert opened(out).convert("L").getbbox() is not None


def test_one_logo_tells_no_contrast(apply_watermark: ApplyWatermark) -> None:
    assert apply_watermark(grey(), plain())[1].contrast is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_small_pictures_come_out_as_they_came(kind: str, apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo((99, 300)), kind)
    out, made = apply_watermark(data, profile=Profile("a", skip_below=100))
    assert out == data
    assert made.method == "skip"
    assert made.boxes == ()
    assert made.notes == ("not watermarked: smaller than the profile's skip_below",)
    assert apply_watermark(data, profile=Profile("a", skip_below=99))[1].method != "skip"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_a_chosen_quality_takes_the_place_of_the_sources(
    kind: str, apply_watermark: ApplyWatermark
) -> None:
    data = encoded(photo(), kind, quality=90)
    small, _ = apply_watermark(data, profile=Profile("a", quality=30))
    large, _ = apply_watermark(data, profile=Profile("a", quality=95))
    assert len(small) < len(data) * 0.7
    assert len(large) > len(small) * 2


@pytest.mark.parametrize("target", formats.writable())
@pytest.mark.parametrize("kind", [each.name for each in formats.FORMATS])
def test_a_picture_can_come_out_in_another_format(
    kind: str, target: str, apply_watermark: ApplyWatermark
) -> None:
    turns = kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
    if kind == "HEIF":
        data = heic(photo((160, 120)))
    else:
        exif = {"exif": orientation_exif(6)} if turns else {}
        data = encoded(
            photo((160, 120), "RGB" if kind == "JPEG" else "RGBA").convert(
                "RGB" if kind in ("GIF", "BMP", "JPEG") else "RGBA"
            ),
            kind,
            **exif,
        )
    out, made = apply_watermark(data, quartered_logo(), profile=Profile("a", format=target))
    after = opened(out)
    assert after.format == target.upper()
    keeps = target.upper() == kind
    assert made.is_converted is not keeps
    if not keeps:
        shown = after.convert("RGB")
        assert shown.size == (made.width, made.height) == ((120, 160) if turns else (160, 120))
        assert after.getexif().get(0x0112, 1) == 1
        box = made.box
        corner = shown.getpixel((box.left + 4, box.top + 3))
        assert isinstance(corner, tuple)
        assert is_near(corner, (220, 30, 30), 40)


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif"])
def test_a_conversion_keeps_profile_exif_and_xmp(
    target: str, apply_watermark: ApplyWatermark
) -> None:
    xmp, icc = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><mine/></x:xmpmeta>", srgb_profile()
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    kind = "JPEG" if target != "jpeg" else "WEBP"
    data = encoded(photo(), kind, exif=exif.tobytes(), xmp=xmp, icc_profile=icc)
    after = opened(apply_watermark(data, profile=Profile("a", format=target))[0])
    assert after.info["icc_profile"] == icc
    assert after.getexif()[0x010F] == "A camera"
    found = after.info.get("xmp") or after.info["XML:com.adobe.xmp"].encode()
    assert found == xmp


def test_a_conversion_keeps_the_first_frame_and_says_so(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(animated("GIF", 3), profile=Profile("a", format="webp"))
    assert getattr(opened(out), "n_frames", 1) == 1
    assert "only the first of 3 frames was kept" in made.notes


def test_a_cmyk_picture_becomes_rgb_where_it_must(apply_watermark: ApplyWatermark) -> None:
    data = encoded(photo((80, 60), "CMYK"), "JPEG")
    assert opened(apply_watermark(data, profile=Profile("a", format="png"))[0]).mode == "RGB"


def test_what_a_profile_strips(apply_watermark: ApplyWatermark) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 15.5)})
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = encoded(photo((80, 60)), kind, exif=exif.tobytes())
        none, gps, everything = (
            opened(apply_watermark(data, profile=Profile("a", strip=strip))[0]).getexif()
            for strip in get_args(Strip)
        )
        assert none[0x010F] == gps[0x010F] == "Camera"
        assert none.get_ifd(0x8825)
        assert not gps.get_ifd(0x8825)
        assert 0x010F not in everything


def test_text_is_drawn_with_its_tokens(apply_watermark: ApplyWatermark) -> None:
    profile = Profile("a", text="{filename} {date} {exif.artist}", scale=0.8, shadow="#000000")
    tokens = {"filename": "photo.jpg", "date": "2026-11-24"}
    exif = Image.Exif()
    exif[0x013B] = "A. Person"
    plain_out, plain_made = apply_watermark(grey(), profile=profile, tokens=tokens)
    named, made = apply_watermark(
        encoded(Image.new("RGB", (400, 300), (128,) * 3), "PNG", exif=exif.tobytes()),
        profile=profile,
        tokens=tokens,
    )
    assert made.box.width / made.box.height > plain_made.box.width / plain_made.box.height
    extremes = (
        opened(named)
        .convert("L")
        .crop(
            (
                made.box.left,
                made.box.top,
                made.box.left + made.box.width,
                made.box.top + made.box.height,
            )
        )
        .getextrema()
    )
    assert extremes == (0, 255)
    assert opened(plain_out).getpixel((5, 290)) == (128, 128, 128)


@pytest.mark.parametrize("text", ["\u202e\0\n", " ", "x" * 200, "日本語 😀", "{filename}"])
def test_any_text_can_be_drawn(text: str, apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(
        grey(), profile=Profile("a", text=text), tokens={"filename": "\x1b[31m" * 90}
    )
    assert is_inside(made.box, (400, 300))
