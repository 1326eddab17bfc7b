"""A wrong logo is told before it is stamped."""

import gzip
import time
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from media_processor.errors import LogoUnavailable
from media_processor.images.logo import (
    MAX_BYTES,
    Logo,
    SvgLogo,
    bundled_logo_path,
    check_logo,
    load_logo,
    svg_of,
    turn,
)

from .pictures import encoded, orientation_exif, photo, quartered_logo


def written(folder: Path, data: bytes) -> Path:
    path = folder / "logo"
    path.write_bytes(data)
    return path


def test_the_bundled_logo_loads() -> None:
    path = bundled_logo_path()
    logo = load_logo(path)
    assert isinstance(logo, Logo)
    assert path.stat().st_size <= 20_000
    assert logo.size == (544, 184)
    assert logo.image.mode == "RGBA"
    assert logo.image.getchannel("A").getextrema() == (0, 255)
    assert logo.digest == sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_three_formats_are_taken(kind: str, tmp_path: Path) -> None:
    logo = load_logo(written(tmp_path, encoded(photo((50, 20)), kind)))
    assert isinstance(logo, Logo)
    assert (logo.size, logo.image.mode) == ((50, 20), "RGBA")


def test_a_turned_jpeg_is_set_upright(tmp_path: Path) -> None:
    data = encoded(photo((50, 20)), "JPEG", exif=orientation_exif(6))
    assert load_logo(written(tmp_path, data)).size == (20, 50)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"<html>", "A logo is a PNG, WebP, JPEG or SVG of at most 5 MB"),
        (encoded(photo((50, 20)), "GIF"), "it is a GIF. A logo is a PNG, WebP, JPEG or SVG"),
        (encoded(photo((50, 20)), "PNG")[:-400], "truncated"),
        (b"\0" * 5_000_001, "5,000,001 bytes"),
        (encoded(Image.new("1", (4097, 1)), "PNG"), "4097 x 1 px"),
        (encoded(Image.new("1", (5000, 5000)), "PNG"), "25,000,000 pixels"),
    ],
    ids=["empty", "HTML", "GIF", "truncated", "too many bytes", "too wide", "too many pixels"],
)
def test_what_is_wrong_with_a_logo_is_reported(data: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(LogoUnavailable) as caught:
        load_logo(written(tmp_path, data))
    assert told in caught.value.detail
    assert str(tmp_path) not in caught.value.detail


def test_a_missing_logo_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LogoUnavailable, match="No such file"):
        load_logo(tmp_path / "nowhere.png")


def test_a_size_is_scaled_once() -> None:
    logo = quartered_logo()
    scaled = logo.resize_to((30, 12))
    assert scaled.size == (30, 12)
    assert scaled.mode == "RGBA"
    assert logo.resize_to((30, 12)) is scaled
    assert logo.resize_to((30, 13)) is not scaled
    assert quartered_logo().resize_to((30, 12)) is not scaled


def test_giant_sizes_are_not_kept() -> None:
    logo = quartered_logo()
    assert logo.resize_to((2000, 1000)) is not logo.resize_to((2000, 1000))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turned_logo_is_displayed_upright(orientation: int) -> None:
    logo = quartered_logo((6, 4))
    stored = turn(logo.resize_to((6, 4)), orientation).copy()
    stored.getexif()[0x0112] = orientation
    assert ImageOps.exif_transpose(stored).tobytes() == logo.resize_to((6, 4)).tobytes()


def svg(inside: str, view: str = "0 0 24.5 10", **more: str) -> bytes:
    attributes = "".join(f' {name}="{value}"' for name, value in more.items())
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}"{attributes}>'
    return f"{head}{inside}</svg>".encode()


RED = '<rect width="24.5" height="10" fill="#e01020"/>'


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"\xef\xbb\xbf",
        b'<?xml version="1.0"?>\n<!-- a > b -->\n',
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd" '
        b'[<!ENTITY ns "http://ns.adobe.com/x">]>',
    ],
    ids=["plain", "byte order mark", "declaration", "Illustrator"],
)
def test_an_svg_is_drawn_in_the_size_that_is_needed(before: bytes, tmp_path: Path) -> None:
    """Its left half is transparent, so that its edge tells whether it is scaled up."""
    half = '<rect x="12.25" width="12.25" height="10" fill="#e01020"/>'
    path = written(tmp_path, before + svg(half))
    check_logo(path)
    logo = load_logo(path)
    assert isinstance(logo, SvgLogo)
    assert abs(logo.size[0] / logo.size[1] - 2.45) < 0.01
    for size in ((49, 20), (1, 1), (980, 400)):
        drawn = logo.resize_to(size)
        assert (drawn.size, drawn.mode) == (size, "RGBA")
    assert drawn.getpixel((487, 200)) == (0, 0, 0, 0)
    assert drawn.getpixel((492, 200)) == (224, 16, 32, 255)
    assert logo.resize_to((49, 20)) is logo.resize_to((49, 20))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "svgz"])
def test_an_svg_may_be_compressed_and_in_utf_16(
    encoding: str, packed: bool, tmp_path: Path
) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding[:6]}"?>\n<!-- é 日 -->\n'
    data = (declared + svg(RED).decode()).encode(encoding)
    path = written(tmp_path, gzip.compress(data) if packed else data)
    check_logo(path)
    assert load_logo(path).resize_to((49, 20)).getpixel((20, 10)) == (224, 16, 32, 255)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (gzip.compress(svg(RED) + b" " * MAX_BYTES), "more than 5,000,000 bytes once it is"),
        (gzip.compress(svg(RED))[:-9], "its compressed data is damaged"),
        (b"\x1f\x8b" + bytes(100), "its compressed data is damaged"),
        (gzip.compress(b"text"), "it is of another kind. A logo is a PNG"),
        (svg(RED).decode().encode("utf-16") + b"\0", "its text isn't UTF-16"),
    ],
    ids=["too large", "cut off", "no gzip", "no SVG", "half a character"],
)
def test_what_is_wrong_with_a_compressed_logo_is_told(
    data: bytes, told: str, tmp_path: Path
) -> None:
    with pytest.raises(LogoUnavailable, match=told):
        check_logo(written(tmp_path, data))


def test_what_is_no_svg_is_not_taken_for_one() -> None:
    for data in (b"<html><svg/></html>", b"<svgx/>", b"<!-- <svg/> -->", b"svg", b""):
        assert svg_of(data) is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (svg("<g>"), "can't be drawn: "),
        (svg(""), "draws nothing"),
        (svg('<script>document.write("x")</script>'), "draws nothing"),
        (svg('<image width="9" height="9" href="file:///etc/hostname"/>'), "draws nothing"),
        (svg('<image width="9" height="9" href="{own}"/>'), "draws nothing"),
        (svg('<use href="{own}#a"/>'), "draws nothing"),
        (
            svg('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{own}"/>'),
            "draws nothing",
        ),
    ],
    ids=["damaged", "empty", "script", "file", "own folder", "use", "XInclude"],
)
def test_an_svg_of_which_nothing_is_seen_is_refused(data: bytes, told: str, tmp_path: Path) -> None:
    own = tmp_path / "own.svg"
    own.write_bytes(svg(f'<g id="a">{RED}</g>', width="24.5", height="10"))
    data = data.replace(b"{own}", f"file://{own}".encode())
    with pytest.raises(LogoUnavailable) as caught:
        load_logo(written(tmp_path, data))
    assert told in caught.value.detail


def nested_uses(levels: int) -> bytes:
    uses = f'<g id="u0">{RED}</g>'
    for level in range(1, levels + 1):
        uses += f'<g id="u{level}">' + f'<use href="#u{level - 1}"/>' * 10 + "</g>"
    return svg(uses)


def nested_entities(levels: int) -> bytes:
    each = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, levels + 1)]
    doctype = f'<!DOCTYPE svg [<!ENTITY e0 "ha">{"".join(each)}]>'
    return doctype.encode() + svg(f"<desc>&e{levels};</desc>{RED}")


@pytest.mark.parametrize(
    "bomb",
    [
        # librsvg draws half a million elements, which takes seconds, before it gives up.
        pytest.param(nested_uses(10), marks=pytest.mark.slow, id="uses"),
        pytest.param(nested_entities(10), id="entities"),
    ],
)
def test_an_svg_bomb_is_refused(bomb: bytes, tmp_path: Path) -> None:
    assert svg_of(bomb) == bomb
    with pytest.raises(LogoUnavailable, match="can't be drawn"):
        load_logo(written(tmp_path, bomb))


def test_what_is_no_svg_is_seen_at_once() -> None:
    started = time.process_time()
    assert svg_of(b"<!---->" * 22 + b"<x>") is None
    assert time.process_time() - started < 0.1
