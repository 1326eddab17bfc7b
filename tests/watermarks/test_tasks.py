"""A task names the logos that its profile uses, and only these are fetched."""

import subprocess
import sys
from pathlib import Path

import pytest

from media_processor.errors import SetupError
from media_processor.images.logo import bundled_logo_path
from media_processor.limits import Limits
from media_processor.settings import WorkerSettings, read
from media_processor.watermarks.tasks import TaskBuilder

PROFILES = """
[signed]
text = "hello"

[own]
logo = "own.png"
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskBuilder:
    (tmp_path / "watermarks.toml").write_text(PROFILES)
    (tmp_path / "own.png").write_bytes(bundled_logo_path().read_bytes())
    monkeypatch.setenv("WATERMARKS", str(tmp_path / "watermarks.toml"))
    monkeypatch.setenv("GOOGLE_LOGO", "http://127.0.0.1:9/is-not-there.png")
    monkeypatch.setenv("MAX_FRAMES", "7")
    return TaskBuilder(WorkerSettings())


@pytest.mark.parametrize(("profile", "logos"), [("signed", []), ("own", ["own.png"])])
async def test_a_logo_that_is_not_used_is_not_fetched(
    profile: str, logos: list[str], tasks: TaskBuilder, tmp_path: Path
) -> None:
    await tasks.logos(tasks.profiles.get(profile))
    task = await tasks.build(tmp_path / "in", tmp_path / "out", profile, {})
    assert [Path(logo).name for logo in task.logos] == logos


async def test_a_task_has_the_limits_of_the_settings(tasks: TaskBuilder, tmp_path: Path) -> None:
    task = await tasks.build(tmp_path / "in", tmp_path / "out", "signed", {})
    assert task.limits == WorkerSettings().picture_limits
    assert (task.limits.frames, task.limits.memory) == (7, 1 << 30)


def test_a_logo_in_a_file_brings_no_http_client() -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from media_processor.watermarks.logos import LogoSource
source = LogoSource({str(bundled_logo_path())!r}, Path("unused"), is_chosen=True)
assert asyncio.run(source.file()).is_file()
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"httpx2", "pydantic"} & set(done.stdout.split())


@pytest.mark.parametrize("name", ["LOGO", "GOOGLE_LOGO"])
async def test_both_names_of_the_logo_are_read(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(name, str(bundled_logo_path()))
    settings = WorkerSettings()
    assert settings.logo_is_set
    task = await TaskBuilder(settings).build(tmp_path / "in", tmp_path / "out", "default", {})
    assert (task.logos, task.notes) == ((str(bundled_logo_path()),), ())


def test_two_logos_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGO", "ours.png")
    monkeypatch.setenv("GOOGLE_LOGO", "theirs.png")
    with pytest.raises(SetupError, match="LOGO: names another logo than GOOGLE_LOGO"):
        read(WorkerSettings)


async def test_the_result_says_that_the_bundled_logo_stood_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # whatever network there is
    settings = WorkerSettings(media_data_dir=tmp_path)
    assert not settings.logo_is_set
    task = await TaskBuilder(settings).build(tmp_path / "in", tmp_path / "out", "default", {})
    assert task.logos == (str(bundled_logo_path()),)
    assert "bundled" in task.notes[0]


def test_a_limit_of_pixels_that_was_chosen_holds_for_every_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert WorkerSettings().picture_limits == Limits()
    monkeypatch.setenv("MAX_PIXELS", "1000")
    monkeypatch.setenv("MIN_ROWS", "0.5")
    monkeypatch.setenv("MAX_PROFILE_BYTES", "1MiB")
    limits = WorkerSettings().picture_limits
    assert (limits.pixels, limits.spliced) == (1000, 1000)
    assert (limits.rows, limits.profile) == (0.5, 1 << 20)
