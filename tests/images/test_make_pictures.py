"""The sample pictures are what the demo and the benchmark take them for."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from media_processor.images import exif
from media_processor.images.probe import probe
from media_processor.limits import Limits

from .pictures import opened

SCRIPT = Path(__file__).resolve().parents[2] / "testfiles" / "make_pictures.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pictures", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pictures(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made: list[Path] = script.make_pictures(tmp_path_factory.mktemp("pictures") / "new folder")
    return {path.name: path for path in made}


@pytest.mark.parametrize(
    ("name", "size", "orientation", "megabytes"),
    [
        ("landscape.jpg", (4000, 3000), 1, (4.8, 5.0)),
        ("phone.jpg", (2016, 1344), 6, (0.35, 0.45)),
        ("transparent.png", (1600, 1200), 1, (0.05, 1.0)),
        ("photo.webp", (1600, 1067), 1, (0.1, 0.5)),
    ],
)
def test_size_and_weight(
    pictures: dict[str, Path],
    name: str,
    size: tuple[int, int],
    orientation: int,
    megabytes: tuple[float, float],
) -> None:
    info = probe(pictures[name], Limits(pixels=12_000_000))
    assert ((info.width, info.height), info.orientation) == (size, orientation)
    assert megabytes[0] * 1e6 <= pictures[name].stat().st_size <= megabytes[1] * 1e6


def test_the_phone_picture_has_a_profile_and_a_thumbnail(pictures: dict[str, Path]) -> None:
    info = opened(pictures["phone.jpg"]).info
    assert info["icc_profile"][36:40] == b"acsp"
    clean = exif.without_previews(info["exif"]).payload
    assert 0 < len(clean) < len(info["exif"]) - 1000


def test_the_png_is_partly_transparent(pictures: dict[str, Path]) -> None:
    alpha = opened(pictures["transparent.png"]).getchannel("A")
    assert alpha.getextrema() == (0, 255)
    assert len(alpha.getcolors() or []) > 20


def test_what_is_there_stays(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "photo.webp"
    kept.write_bytes(b"mine")
    monkeypatch.setattr(script, "PICTURES", {"photo.webp": None, "new": _touch})
    assert script.make_pictures(tmp_path) == [kept, tmp_path / "new"]
    assert kept.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "photo.webp"]


def _touch(path: Path) -> None:
    path.touch()
