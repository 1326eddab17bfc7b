"""A wheel in a fresh environment, without the extras: the client and local watermarking work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.images.pictures import encoded, photo

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def run(
    *command: str | Path,
    cwd: Path = ROOT,
    status: int = 0,
    environment: dict[str, str] | None = None,
) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def install(tmp_path: Path, native: str) -> Path:
    source = tmp_path / "source"
    for name in run("git", "ls-files", "src", "native", "*.toml", "setup.py", "*.md").splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    shutil.copy2(ROOT / "LICENSE", source)
    build = ("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", "../dist", ".")
    run(sys.executable, *build, cwd=source, environment={"NATIVE": native})
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(UV, "venv", "--python", sys.executable, tmp_path / "venv")
    run(UV, "pip", "install", "--python", tmp_path / "venv/bin/python", wheel)
    return tmp_path / "venv" / "bin"


@pytest.fixture(scope="module")
def with_core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cargo") is None:
        pytest.skip("there is no cargo here to build the native core with")
    return install(tmp_path_factory.mktemp("with_core"), native="yes")


@pytest.fixture(scope="module")
def without_core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("without_core"), native="no")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "photo.jpg"
    file.write_bytes(encoded(photo((640, 480)), "JPEG", quality=90))
    return file


def test_a_picture_is_watermarked_by_splice(with_core: Path, picture: Path) -> None:
    out = picture.with_name("out.jpg")
    said = run(with_core / "media-processor", "watermark", picture, out)
    assert "splice" in said
    assert "no native core" not in said
    assert out.stat().st_size


def test_without_the_core_one_line_says_what_to_install(without_core: Path, picture: Path) -> None:
    out = picture.with_name("out.jpg")
    said = run(without_core / "media-processor", "watermark", picture, out)
    assert "decode" in said
    (line,) = [line for line in said.splitlines() if "cargo" in line]
    assert "pip install" in line
    assert out.stat().st_size


@pytest.mark.parametrize("command", [["up"], ["fast-server"], ["scrub"]])
def test_a_command_that_needs_the_servers_says_so(
    without_core: Path, tmp_path: Path, command: list[str]
) -> None:
    said = run(without_core / "media-processor", *command, cwd=tmp_path, status=1)
    assert said.count("\n") == 1
    assert "pip install 'media-processor[server]'" in said


def test_heic_without_its_part_says_what_to_install(without_core: Path, tmp_path: Path) -> None:
    pi_heif = pytest.importorskip("pillow_heif")
    heif = pi_heif.from_pillow(photo((64, 64)))
    heif.save(tmp_path / "photo.heic")
    said = run(
        without_core / "media-processor",
        "watermark",
        "photo.heic",
        "out.jpg",
        cwd=tmp_path,
        status=1,
    )
    assert "pip install 'media-processor[formats]'" in said


def test_the_client_can_be_imported(without_core: Path) -> None:
    program = "from media_processor.client import AsyncClient, Client; print(Client.__name__)"
    assert run(without_core / "python", "-c", program) == "Client\n"
