"""The commands as a person types them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from media_processor.chaos.valkey import free_port
from media_processor.media import splice
from media_processor.media.logo import bundled_logo_path
from media_processor.messages import MediaStatus
from tests.media.pictures import encoded, opened, photo
from tests.system import System

JPEG = encoded(photo((300, 200)), "JPEG")


def run(*arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "media_processor", *arguments],
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, one in a folder below, and a file that is none."""
    (tmp_path / "below").mkdir()
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "below" / "b.png").write_bytes(encoded(photo((30, 20)), "PNG"))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


@pytest.mark.parametrize(
    "command",
    ["up", "fast-server", "worker-server", "central-server", "upload", "status", "watermark"],
)
def test_every_command_explains_itself(command: str) -> None:
    assert command in run("--help").stdout
    page = run(command, "--help")
    assert page.returncode == 0
    assert "Usage" in page.stdout


class TestUpload:
    def test_files_and_folders_until_stored(self, running: System, folder: Path) -> None:
        done = run("upload", str(folder), "--wait", "--url", running.fast_url)

        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert [line.split()[1] for line in lines[1:]] == ["stored", "stored"]
        media_id = lines[1].split()[2]
        assert running.status(media_id).filename == "a.jpg"

        told = run("status", media_id, "--url", running.fast_url)
        assert told.returncode == 0
        assert f"{media_id}/watermarked_a.jpg" in told.stdout
        assert "watermarked by worker-1" in told.stdout

    def test_without_waiting_it_prints_ids(self, running: System, folder: Path) -> None:
        done = run("upload", str(folder / "a.jpg"), "--url", running.fast_url)
        assert done.returncode == 0
        media_id = done.stdout.splitlines()[1].split()[2]
        running.wait_for(media_id, "stored")

    def test_what_is_refused_is_told_and_the_rest_goes_on(
        self, running: System, folder: Path
    ) -> None:
        files = [str(folder / "notes.txt"), str(folder / "a.jpg")]
        done = run("upload", *files, "--wait", "--url", running.fast_url)
        assert done.returncode == 1
        refused, stored = done.stdout.splitlines()[1:3]
        assert "refused" in refused
        assert "stored" in stored

    def test_a_picture_that_fails_is_told(self, running: System, tmp_path: Path) -> None:
        (tmp_path / "torn.jpg").write_bytes(JPEG[: len(JPEG) // 2])
        done = run("upload", str(tmp_path), "--wait", "--url", running.fast_url)
        assert done.returncode == 1
        assert "failed" in done.stdout

    def test_nothing_to_send_is_one_line(self, tmp_path: Path) -> None:
        _one_line(run("upload", str(tmp_path)), "no picture")
        _one_line(run("upload", str(tmp_path / "nothing")), "doesn't exist")


def test_status_of_an_unknown_media_is_one_line(running: System) -> None:
    _one_line(run("status", "x", "--url", running.fast_url), "no media")


def test_status_without_a_server_is_one_line() -> None:
    _one_line(run("status", "x", "--url", f"http://127.0.0.1:{free_port()}"), "can't be reached")


def test_status_of_a_failed_picture_tells_why(running: System) -> None:
    media = running.upload(JPEG[: len(JPEG) // 2])
    failed: MediaStatus = running.wait_for(media.id, "failed")
    told = run("status", media.id, "--url", running.fast_url)
    assert told.returncode == 1
    assert failed.error
    assert failed.error.detail in told.stdout


class TestWatermark:
    logo = str(bundled_logo_path())

    def test_one_picture(self, folder: Path) -> None:
        done = run("watermark", "a.jpg", "out.jpg", cwd=folder, GOOGLE_LOGO=self.logo)
        assert done.returncode == 0, done.stderr
        assert opened(folder / "out.jpg").size == (300, 200)
        assert (folder / "out.jpg").read_bytes() != JPEG

    def test_many_into_a_folder(self, folder: Path) -> None:
        files = ["a.jpg", "below/b.png", "-o", "out"]
        done = run("watermark", *files, cwd=folder, GOOGLE_LOGO=self.logo)
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in (folder / "out").iterdir()) == [
            "watermarked_a.jpg",
            "watermarked_b.png",
        ]
        way = "splice" if splice.is_installed() else "decode (no native core)"
        assert sorted(done.stdout.splitlines()) == [
            f"out/watermarked_a.jpg: {way}",
            f"out/watermarked_b.png: {way}",
        ]

    def test_a_bad_one_is_told_and_the_rest_is_done(self, folder: Path) -> None:
        files = ["notes.txt", "a.jpg", "-o", "out"]
        done = run("watermark", *files, cwd=folder, GOOGLE_LOGO=self.logo)
        _one_line(done, "notes.txt")
        assert [path.name for path in (folder / "out").iterdir()] == ["watermarked_a.jpg"]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["a.jpg"], "IN and OUT"),
            (["nothing.jpg", "out.jpg"], "isn't a file"),
            (["a.jpg", "out.jpg", "--profile", "gold"], "default"),
            (["a.jpg", "a.jpg", "-o", "out"], "same name"),
            (["a.jpg", "missing/out.jpg"], "isn't a folder"),
        ],
    )
    def test_a_mistake_is_one_line(self, folder: Path, arguments: list[str], words: str) -> None:
        _one_line(run("watermark", *arguments, cwd=folder, GOOGLE_LOGO=self.logo), words)

    def test_a_chosen_logo_that_can_not_be_had_is_never_replaced(self, folder: Path) -> None:
        done = run("watermark", "a.jpg", "out.jpg", cwd=folder, GOOGLE_LOGO="no-logo.png")
        _one_line(done, "logo")
        assert not (folder / "out.jpg").exists()

    def test_without_a_chosen_logo_and_network_the_own_one_is_used(self, folder: Path) -> None:
        closed = f"http://127.0.0.1:{free_port()}"
        proxies = {"http_proxy": closed, "https_proxy": closed}
        done = run("watermark", "a.jpg", "out.jpg", cwd=folder, **proxies)
        assert done.returncode == 0
        assert "ships with media-processor" in done.stderr
        assert (folder / "out.jpg").exists()


def _one_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("media-processor: ")
    assert words in lines[0]
