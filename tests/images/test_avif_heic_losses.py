"""What an AVIF or HEIF holds besides its picture: nothing goes without a note by its name."""

import struct
import time
from dataclasses import replace
from functools import cache

import pytest

from media_processor.images.containers import isobmff
from media_processor.images.containers import nclx as numbers
from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .hdr_files import Curve, xmp_packet
from .heif_files import Item, auxiliary, box, file_of, full, nclx, picture
from .pictures import LIMITS, animated, encoded, heic, opened, photo
from .profiles import DISPLAY_P3, rgb_profile

SIZE = (128, 96)
BRANDS = {"AVIF": b"avif\0\0\0\0avifmif1miaf", "HEIC": b"heic\0\0\0\0mif1heic"}
KINDS = list(BRANDS)
CONVERTED = "converted from HEIC to JPEG"
XMP = b"application/rdf+xml"


@cache
def base(kind: str, mode: str = "RGB", *without: bytes) -> Item:
    image = photo(SIZE, mode)
    return picture(heic(image) if kind == "HEIC" else encoded(image, "AVIF"), *without)


def shape(width: int = SIZE[0], height: int = SIZE[1]) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


def losses(made_notes: tuple[str, ...]) -> list[str]:
    return [note for note in made_notes if note != CONVERTED]


PROPERTIES = [
    (box(b"clli", struct.pack(">HH", 1000, 400)), "clli (HDR brightness)"),
    (box(b"mdcv", bytes(24)), "mdcv (HDR mastering display)"),
    (box(b"cclv", bytes(1)), "cclv (HDR colour volume)"),
    (box(b"amve", bytes(8)), "amve (surrounding light)"),
    (box(b"reve", bytes(12)), "reve (HDR viewing conditions)"),
    (box(b"ndwt", bytes(4)), "ndwt (HDR white level)"),
    (box(b"pasp", struct.pack(">II", 2, 1)), "pasp (pixel aspect ratio)"),
    (full(b"udes", b"en\0a name\0words\0\0"), "udes (description)"),
    (full(b"altt", b"words\0en\0"), "altt (alternative text)"),
    (full(b"crtt", bytes(8)), "crtt (time of creation)"),
    (full(b"mdft", bytes(8)), "mdft (time of modification)"),
    (box(b"mine", bytes(8)), "mine"),
]
CODING = [
    box(b"pasp", struct.pack(">II", 1, 1)),
    box(b"a1lx", bytes(7)),
    full(b"rloc", bytes(8)),
    box(b"free", bytes(8)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("found", [PROPERTIES[:6], PROPERTIES[6:]], ids=["HDR", "others"])
def test_properties_are_named(
    kind: str, found: list[tuple[bytes, str]], apply_watermark: ApplyWatermark
) -> None:
    item = base(kind).with_(*(each for each, _ in found))
    out, made = apply_watermark(file_of(item, brands=BRANDS[kind]))
    names = ", ".join(named for _, named in found)
    assert losses(made.notes) == [f"properties were dropped: {names}"]
    assert not any(each[4:8] in out for each, _ in found)


@pytest.mark.parametrize("kind", KINDS)
def test_how_it_is_coded_is_not_worth_a_word(kind: str, apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(file_of(base(kind).with_(*CODING), brands=BRANDS[kind]))
    assert losses(made.notes) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("more", "named"),
    [
        (
            [Item(b"mime", b"{}", content_type=b"application/json").to(b"cdsc", 1)],
            "items were dropped: application/json",
        ),
        ([Item(b"uri ", b"sound")], "items were dropped: uri"),
        ([Item(b"mime", b"<x/>", content_type=XMP)], "items were dropped: application/rdf+xml"),
        (["picture"], "further pictures in the file were dropped"),
        (["thmb"], "previews were removed: they show the picture without the watermark"),
        (["auxl"], "auxiliary pictures were dropped, such as the outlines of persons"),
    ],
    ids=["mime", "uri", "nobody's XMP", "picture", "preview", "auxiliary"],
)
def test_an_item_is_named(
    kind: str, more: list[Item | str], named: str, apply_watermark: ApplyWatermark
) -> None:
    other = base(kind)
    made_of = {
        "picture": other,
        "thmb": other.to(b"thmb", 1),
        "auxl": other.with_(auxiliary(b"urn:mine")).to(b"auxl", 1),
    }
    items = [made_of[each] if isinstance(each, str) else each for each in more]
    _, made = apply_watermark(file_of(other, *items, brands=BRANDS[kind]))
    assert losses(made.notes) == [named]


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_with_another_picture_goes_with_it(
    kind: str, apply_watermark: ApplyWatermark
) -> None:
    packet = Item(b"mime", b"<x/>", content_type=XMP).to(b"cdsc", 2)
    _, made = apply_watermark(file_of(base(kind), base(kind), packet, brands=BRANDS[kind]))
    assert losses(made.notes) == ["further pictures in the file were dropped"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tiles_of_a_picture_are_its_own(kind: str, apply_watermark: ApplyWatermark) -> None:
    tile = replace(base(kind), hidden=True)
    grid = Item(b"grid", b"\0\0\0\1" + struct.pack(">HH", 256, 96), (shape(256, 96),))
    out, made = apply_watermark(file_of(grid.to(b"dimg", 2, 3), tile, tile, brands=BRANDS[kind]))
    assert opened(out).size == (256, 96)
    assert losses(made.notes) == []


def test_the_layers_of_a_picture_are_its_own(apply_watermark: ApplyWatermark) -> None:
    canvas = bytes(2) + struct.pack(">4H", 0, 0, 0, 65_535) + struct.pack(">HH", *SIZE)
    layers = Item(b"iovl", canvas + bytes(4), (shape(),)).to(b"dimg", 2)
    out, made = apply_watermark(file_of(layers, replace(base("HEIC"), hidden=True)))
    assert opened(out).size == SIZE
    assert losses(made.notes) == []


@pytest.mark.parametrize(
    ("boxes", "named"),
    [
        (box(b"uuid", bytes(16), b"mine"), "boxes were dropped: uuid"),
        (box(b"sefd", b"mine"), "boxes were dropped: sefd"),
        (box(b"free", b"mine"), None),
        (
            box(b"moov", box(b"mvhd", bytes(100)), box(b"udta", b"mine")),
            "boxes were dropped: udta",
        ),
    ],
)
def test_a_box_is_named(boxes: bytes, named: str | None, apply_watermark: ApplyWatermark) -> None:
    _, made = apply_watermark(heic(photo(SIZE)) + boxes)
    assert losses(made.notes) == ([named] if named else [])


def test_sound_is_named() -> None:
    track = box(b"trak", box(b"mdia", full(b"hdlr", bytes(4), b"soun", bytes(13))))
    found = isobmff.read_metadata(animated("AVIF", 2, SIZE) + box(b"moov", track), LIMITS)
    assert found.notes == ("tracks were dropped: soun (sound)",)


def test_an_animations_properties_are_named(apply_watermark: ApplyWatermark) -> None:
    """Its track has its own, beside those of its first picture."""
    data = animated("AVIF", 2, SIZE).replace(b"ccst", b"amve")
    _, made = apply_watermark(data)
    assert losses(made.notes) == ["properties were dropped: amve (surrounding light)"]


def test_an_animations_colours_are_those_of_its_track(apply_watermark: ApplyWatermark) -> None:
    data = animated("AVIF", 2, SIZE)
    described = b"nclx" + struct.pack(">HH", 1, 13)
    assert data.count(described) >= 2
    out, _ = apply_watermark(data.replace(described, b"nclx" + struct.pack(">HH", 9, 16)))
    assert described not in out


def played(data: bytes, count: int) -> bytes:
    """All the file's numbers are wide: durations of the whole, then the edit list's."""
    changed = bytearray(data)
    for name, place in ((b"mvhd", 28), (b"tkhd", 32)):
        at = changed.find(name)
        while at >= 0:
            changed[at + place : at + place + 8] = (220 * count).to_bytes(8)
            at = changed.find(name, at + 4)
    at = changed.find(b"elst")
    while at >= 0:
        assert int.from_bytes(changed[at + 12 : at + 20]) == 220
        changed[at + 7] = count > 1
        at = changed.find(b"elst", at + 4)
    return bytes(changed)


@pytest.mark.parametrize("count", [1, 7])
def test_an_animation_is_shown_as_often(count: int, apply_watermark: ApplyWatermark) -> None:
    data = animated("AVIF", 2, SIZE)
    endless = data.index(b"tkhd") + 32
    assert data[endless : endless + 8] == b"\xff" * 8
    out, _ = apply_watermark(played(data, count))
    times = {b"tkhd": out.index(b"tkhd") + 32, b"mvhd": out.index(b"mvhd") + 28}
    for at in times.values():
        assert int.from_bytes(out[at : at + 8]) == 220 * count
    assert out[out.index(b"elst") + 7] == (count > 1)


def gain_mapped_avif() -> bytes:
    grey = base("AVIF", "L")
    packet = xmp_packet('hdrgm:Version="1.0" hdrgm:GainMapMax="2.5"')
    items = (
        base("AVIF", "RGB", b"colr").with_(nclx(1, 13)),
        replace(grey, hidden=True),
        Item(b"tmap", b"\0" + Curve().iso, (shape(), nclx(9, 16))).to(b"dimg", 1, 2),
        Item(b"mime", packet, content_type=XMP).to(b"cdsc", 1),
    )
    group = full(b"altr", struct.pack(">4I", 9, 2, 3, 1))
    return file_of(*items, brands=b"avif\0\0\0\0avifmif1miaftmap", groups=box(b"grpl", group))


def test_a_gain_map_goes_and_nothing_promises_it(apply_watermark: ApplyWatermark) -> None:
    out, made = apply_watermark(gain_mapped_avif())
    assert made.notes == ("the HDR gain map was dropped",)
    assert b"tmap" not in out
    assert b"hdrgm:" not in out
    assert b'dc:source="a phone"' in out
    assert numbers.unusual(out) is None  # what tmap says are the colours of the HDR picture


def test_a_profile_counts_and_the_numbers_beside_it_stay(apply_watermark: ApplyWatermark) -> None:
    profile = box(b"colr", b"prof", rgb_profile(DISPLAY_P3))
    item = base("AVIF", "RGB", b"colr").with_(profile, nclx(12, 16))
    out, made = apply_watermark(file_of(item, brands=BRANDS["AVIF"]))
    assert opened(out).info["icc_profile"] == rgb_profile(DISPLAY_P3)
    assert numbers.unusual(out) == (12, 16)
    assert made.notes == ()
    _, made = apply_watermark(
        file_of(item, brands=BRANDS["AVIF"]), profile=Profile("p", format="jpeg")
    )
    assert not any("colours" in note for note in made.notes)


def test_a_damaged_list_of_items_is_reported() -> None:
    data = file_of(base("AVIF"), Item(b"Exif", b"").to(b"dimg", 99), brands=BRANDS["AVIF"])
    at = data.index(b"dimg") - 3
    found = isobmff.read_metadata(data[:at] + b"\xff" + data[at + 1 :], LIMITS)
    assert found.notes == ("parts of the file were dropped: the list of them is damaged",)


def test_many_items_take_little_time() -> None:
    some = Item(b"mine", b"", (box(b"free"),))
    data = file_of(base("HEIC"), *[some] * 3000)
    started = time.process_time()
    isobmff.read_metadata(data, LIMITS)
    assert time.process_time() - started < 0.5
