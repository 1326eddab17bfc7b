"""The gain map of a HEIC that ISO 21496-1 describes (``tmap``) stays one, behind the JPEG."""

import struct
from dataclasses import replace
from functools import cache
from io import BytesIO
from random import Random
from typing import Any
from unittest.mock import Mock

import numpy as np
import pillow_heif
import pytest
from PIL.JpegImagePlugin import get_sampling as jpeg_sampling

from media_processor.images.codecs import tone_map as tone_map_codec
from media_processor.images.containers import jpeg
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .hdr_files import APPLE_XMP, URN, Curve, second_picture
from .heif_files import Item, auxiliary, box, file_of, nclx, picture
from .pictures import heic, opened, photo, quartered_logo
from .profiles import ADOBE_RGB, DISPLAY_P3, rgb_profile
from .test_gain_maps import boosts

SIZE, MAP_SIZE = (240, 184), (120, 92)
CURVE = Curve(low=-0.5, high=2.5)
APPLE = b"urn:com:apple:photo:2020:aux:hdrgainmap"
GONE = "the HDR gain map was dropped"


@cache
def base(**more: Any) -> Item:
    image = photo(SIZE)
    image.info.update(more)
    return picture(heic(image, quality=80))


@cache
def gain_map(mode: str = "L") -> Item:
    return picture(heic(photo(MAP_SIZE, mode), quality=90))


def tone_map(description: bytes = CURVE.iso, *properties: bytes) -> Item:
    return Item(b"tmap", b"\0" + description, properties or (nclx(12, 16),)).to(b"dimg", 1, 2)


def with_map(
    description: bytes = CURVE.iso, *properties: bytes, of: Item | None = None, **more: Any
) -> bytes:
    found = of or gain_map()
    items = (base(**more), found, tone_map(description, *properties))
    return file_of(*items, brands=b"heic\0\0\0\0mif1heictmap")


def segments_of(data: bytes) -> list[bytes]:
    return [data[each.start + 4 : each.end] for each in jpeg.segments(data) if each.marker == 0xE2]


def in_other_colours(curve: Curve) -> bytes:
    """The map applies in the colours of ``tmap``, not in the picture's."""
    return curve.iso[:4] + b"\0" + curve.iso[5:]


def said_to_be_deep(item: Item) -> tuple[bytes, ...]:
    """``hvcC`` speaks of 15 bits, of which its pictures know nothing."""
    at = 8 + 17
    return tuple(
        each[:at] + b"\xff" + each[at + 1 :] if each[4:8] == b"hvcC" else each
        for each in item.properties
    )


@pytest.mark.parametrize(
    "found",
    [
        gain_map(),
        replace(gain_map(), hidden=True),
        gain_map().with_(auxiliary(APPLE)).to(b"auxl", 1),
        replace(gain_map("RGB"), hidden=True),
    ],
    ids=["listed", "hidden", "auxiliary", "colours"],
)
def test_the_map_and_its_description_come_along(
    found: Item, apply_watermark: ApplyWatermark
) -> None:
    out, made = apply_watermark(with_map(of=found), quartered_logo((200, 100)))
    behind = second_picture(out)
    assert segments_of(behind) == [URN + CURVE.iso]
    assert URN + bytes(4) in segments_of(out)
    assert abs(boosts(behind, CURVE, made.box, SIZE) - 1).max() <= 0.02
    mode = opened(behind).mode
    expected, got = (
        np.asarray(each, float)[60:] for each in (photo(MAP_SIZE, mode), opened(behind))
    )
    assert abs(expected - got).mean() < 6
    assert made.notes == ("converted from HEIC to JPEG",)


@pytest.mark.parametrize("depth", [10, 12])
def test_a_deep_map_comes_in_eight_bits(
    depth: int, apply_watermark: ApplyWatermark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", depth == 12)
    grey = photo(MAP_SIZE, "L")
    deep, file = grey.convert("I").point(lambda value: value * 257).convert("I;16"), BytesIO()
    pillow_heif.encode("I;16", deep.size, deep.tobytes(), file, quality=95)
    out, made = apply_watermark(with_map(of=picture(file.getvalue())))
    found = opened(second_picture(out))
    assert found.mode == "L"
    assert abs(np.asarray(found, float) - np.asarray(grey, float))[60:].mean() < 3
    assert made.notes == ("converted from HEIC to JPEG",)


def test_of_three_channels_each_has_its_own_boost(apply_watermark: ApplyWatermark) -> None:
    curves = [Curve(low=-1, high=2), Curve(low=0, high=2), Curve(low=-2, high=1)]
    description = b"\0\0\0\0\xc0" + CURVE.iso[5:21] + b"".join(each.iso[21:] for each in curves)
    out, made = apply_watermark(
        with_map(description, of=gain_map("RGB")), quartered_logo((200, 100))
    )
    behind = opened(second_picture(out))
    assert segments_of(second_picture(out)) == [URN + description]
    place = (made.box.left + made.box.width // 2) // 2, (made.box.top + made.box.height // 2) // 2
    samples = behind.getpixel(place)
    assert isinstance(samples, tuple)
    for sample, curve in zip(samples, curves, strict=True):
        assert curve.boost(sample) == pytest.approx(1, abs=0.03)
    assert made.notes == ("converted from HEIC to JPEG",)


def test_a_map_of_tiles_of_a_picture_of_tiles(apply_watermark: ApplyWatermark) -> None:
    """As phones write it."""
    whole, small = photo((256, 128)), photo((256, 128), "L")
    halves = [(0, 0, 128, 128), (128, 0, 256, 128)]
    tiles = [
        replace(picture(heic(each.crop(half))), hidden=True)
        for each in (whole, small)
        for half in halves
    ]
    size = struct.pack(">HH", 256, 128)
    shape = box(b"ispe", bytes(4), struct.pack(">II", 256, 128))
    grid = b"\0\0\0\1" + size
    items = (
        Item(b"grid", grid, (shape,)).to(b"dimg", 4, 5),
        Item(b"grid", grid, (shape,), hidden=True).to(b"dimg", 6, 7),
        tone_map(),
        *tiles,
    )
    out, made = apply_watermark(file_of(*items))
    assert opened(second_picture(out)).size == opened(out).size == (256, 128)
    assert made.notes == ("converted from HEIC to JPEG",)


def test_the_colours_are_sampled_as_in_the_picture_and_not_as_in_its_map(
    apply_watermark: ApplyWatermark,
) -> None:
    """Whose properties come first in the file."""
    file = BytesIO()
    pillow_heif.from_pillow(photo((128, 128))).save(file, quality=80, chroma=444)
    shape = box(b"ispe", bytes(4), struct.pack(">II", 128, 128))
    grid = Item(b"grid", bytes(4) + struct.pack(">HH", 128, 128), (shape,))
    small = picture(heic(photo((64, 64), "L")))
    out, made = apply_watermark(
        file_of(grid.to(b"dimg", 4), small, tone_map(), picture(file.getvalue()))
    )
    assert jpeg_sampling(opened(out)) == 0  # 4:4:4
    assert made.notes == ("converted from HEIC to JPEG",)


def test_a_map_that_memory_does_not_suffice_for_costs_not_the_picture(
    apply_watermark: ApplyWatermark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tone_map_codec, "_decode", Mock(side_effect=MemoryError))
    out, made = apply_watermark(with_map())
    assert opened(out).size == SIZE
    assert GONE in made.notes


def test_a_turned_picture_has_a_turned_map(apply_watermark: ApplyWatermark) -> None:
    turn = box(b"irot", b"\1")
    items = (base().with_(turn), gain_map().with_(turn), tone_map())
    out, made = apply_watermark(file_of(*items))
    assert opened(out).size == (184, 240)
    assert opened(second_picture(out)).size == (92, 120)
    assert not any("gain map" in note for note in made.notes)


def test_a_description_in_the_pictures_own_primaries(apply_watermark: ApplyWatermark) -> None:
    """It says that it applies in those of ``tmap``, which are the same."""
    data = with_map(in_other_colours(CURVE), nclx(12, 16), icc_profile=rgb_profile(DISPLAY_P3))
    out, made = apply_watermark(data)
    assert segments_of(second_picture(out)) == [URN + CURVE.iso]
    assert made.notes == ("converted from HEIC to JPEG",)


def test_a_description_in_a_profile_of_its_own(apply_watermark: ApplyWatermark) -> None:
    profile = rgb_profile(ADOBE_RGB)
    data = with_map(in_other_colours(CURVE), box(b"colr", b"prof", profile))
    out, _ = apply_watermark(data)
    behind = second_picture(out)
    assert opened(behind).info["icc_profile"] == profile
    assert URN + in_other_colours(CURVE) in segments_of(behind)


@pytest.mark.parametrize(
    "data",
    [
        with_map(in_other_colours(CURVE), nclx(9, 16)),
        with_map(b"\0\1" + CURVE.iso[2:]),
        with_map(CURVE.iso[:20]),
        with_map(CURVE.iso[:25] + bytes(4) + CURVE.iso[29:]),
        with_map(of=picture(heic(photo((60, 90), "L")))),
        with_map(of=replace(gain_map(), content=b"damaged")),
        with_map(of=replace(gain_map(), properties=())),
        with_map(of=replace(gain_map(), properties=said_to_be_deep(gain_map()))),
    ],
    ids=[
        "colours",
        "a later version",
        "cut",
        "by nothing",
        "shape",
        "pixels",
        "no properties",
        "depth",
    ],
)
def test_what_a_jpeg_cannot_have_is_reported(data: bytes, apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(data)
    assert GONE in made.notes
    assert b"MPF\0" not in out
    assert URN not in out


def test_another_format_has_no_place_for_it(apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(with_map(), profile=Profile("p", format="webp"))
    assert GONE in made.notes


def test_a_map_without_a_boost_of_one_says_so(apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(with_map(Curve(low=1, high=2).iso))
    assert any("the logo isn't as bright as in SDR" in note for note in made.notes)


def test_a_newer_apple_map_says_its_headroom_itself(apply_watermark: ApplyWatermark) -> None:
    packet = APPLE_XMP.replace(b"'65536'", b"'131072' HDRGainMap:HDRGainMapHeadroom='5.6569'")
    items = (
        base(),
        gain_map().with_(auxiliary(APPLE)).to(b"auxl", 1),
        Item(b"mime", packet, content_type=b"application/rdf+xml").to(b"cdsc", 2),
    )
    out, made = apply_watermark(file_of(*items))
    (payload,) = segments_of(second_picture(out))
    said = struct.unpack(">14I", payload[len(URN) + 5 :])
    assert said[6] / said[7] == pytest.approx(2.5, abs=0.001)
    assert made.notes == ("converted from HEIC to JPEG",)


def test_damage_never_costs_the_picture(apply_watermark: ApplyWatermark) -> None:
    """In what ``tmap`` holds; what it refers to, libheif reads, too."""
    data, random = with_map(of=replace(gain_map(), hidden=True)), Random(3)
    places = range(data.rindex(CURVE.iso) - 1, len(data))
    for _ in range(20):
        changed = bytearray(data)
        for _ in range(2):
            changed[random.choice(places)] = random.choice((0, 2, 255))
        out, _ = apply_watermark(bytes(changed))
        assert opened(out).size == SIZE
