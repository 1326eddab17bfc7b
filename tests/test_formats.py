"""The table of formats, and that a new one takes one row, a container and a codec."""

import re
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image

from media_processor import formats
from media_processor.cli.file_selection import below
from media_processor.fast_server.page import limits as limits_page
from media_processor.formats import FORMATS, PictureFormat
from media_processor.images.difference import difference
from media_processor.images.logo import bundled_logo_path, load_logo
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT, Profile
from media_processor.images.thumbnail import make_thumbnail
from media_processor.images.watermark import Watermarked, watermark
from media_processor.limits import Limits
from tests.images.pictures import encoded, opened, photo
from tests.toy_format import codec, container

TOY = PictureFormat(
    name="TOY",
    title="Toy",
    content_type="image/toy",
    extensions=(".toy",),
    signature=b"TOY!",
    container=container.__name__,
    codec=codec.__name__,
    bytes_a_pixel=6,
)


@pytest.fixture
def with_toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, TOY))
    return


def _toy(path: Path, size: tuple[int, int] = (120, 80)) -> Path:
    path.write_bytes(container.write(size, photo(size).tobytes()))
    return path


def _watermark(source: Path, target: Path, profile: Profile = DEFAULT) -> Watermarked:
    return watermark(source, target, [load_logo(bundled_logo_path())], profile, Limits())


@pytest.mark.usefixtures("with_toy")
def test_a_new_format_is_probed_and_watermarked(tmp_path: Path) -> None:
    source, target = _toy(tmp_path / "in.toy"), tmp_path / "out.toy"
    assert probe(source, Limits()).content_type == "image/toy"
    made = _watermark(source, target)
    assert (made.format, made.content_type, made.method) == ("TOY", "image/toy", "decode")
    assert made.declined == "TOY can't be spliced"
    assert probe(target, Limits()).displayed_size == (120, 80)
    assert 0 < difference(source, target, Limits()).touched < 150


@pytest.mark.usefixtures("with_toy")
def test_a_new_format_can_be_converted_both_ways(tmp_path: Path) -> None:
    _watermark(_toy(tmp_path / "in"), tmp_path / "out.png", Profile("p", format="png"))
    assert opened(tmp_path / "out.png").size == (120, 80)
    (tmp_path / "in.jpg").write_bytes(encoded(photo(), "JPEG"))
    made = _watermark(tmp_path / "in.jpg", tmp_path / "out.toy", Profile("p", format="toy"))
    assert (made.content_type, made.is_converted) == ("image/toy", True)
    assert probe(tmp_path / "out.toy", Limits()).displayed_size == (400, 300)


@pytest.mark.usefixtures("with_toy")
def test_a_new_format_has_a_thumbnail(tmp_path: Path) -> None:
    make_thumbnail(_toy(tmp_path / "in"), tmp_path / "small", 32, Limits())
    assert opened(tmp_path / "small").size == (32, 21)


@pytest.mark.usefixtures("with_toy")
def test_a_new_format_is_announced_and_selected(tmp_path: Path) -> None:
    deps = cast(Any, SimpleNamespace(settings=SimpleNamespace(max_upload_bytes=1)))
    assert limits_page(deps).content_types["image/toy"] == (".toy",)
    assert "Toy" in limits_page(deps).refusals["unsupported_picture"]
    _toy(tmp_path / "a.TOY")
    assert [found.path.name for found in below(tmp_path)] == ["a.TOY"]


def test_what_is_no_row_is_not_taken(tmp_path: Path) -> None:
    _toy(tmp_path / "a.toy")
    assert not list(below(tmp_path))
    assert formats.recognise((tmp_path / "a.toy").read_bytes()) is None
    with pytest.raises(ValueError, match="unknown format 'toy'"):
        Profile("p", format="toy")


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_a_row_is_whole(each: PictureFormat) -> None:
    assert bool(each.signature) != bool(each.brands)
    assert all(re.fullmatch(r"\.[a-z]+", extension) for extension in each.extensions)
    assert formats.named(each.name) is each
    assert formats.extension_of(each.content_type) == each.extension
    assert formats.content_type_of(each.extension.upper()) == each.content_type
    assert callable(import_module(each.container).read_info)
    module = import_module(each.codec)
    assert callable(module.watermark)
    assert callable(module.decode_upright)
    if each.comes_out_as:
        assert formats.named(each.comes_out_as).comes_out_as is None
        return
    made = module.encode(Image.new("RGB", (8, 8)), codec.NO_METADATA, codec.OPTIONS)
    assert formats.recognise(made[: formats.HEAD_BYTES]) is each


def test_no_two_rows_share_a_name() -> None:
    for values in (
        [each.name for each in FORMATS],
        [each.content_type for each in FORMATS],
        [extension for each in FORMATS for extension in each.extensions],
    ):
        assert len(values) == len(set(values))
