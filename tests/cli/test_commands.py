"""The commands as a person types them."""

from pathlib import Path

import pytest

from media_processor.harness.ports import free_port
from media_processor.ids import new_media_id
from media_processor.messages.media import MediaStatus
from tests.cli.shell import one_line, run
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((300, 200)), "JPEG")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    (tmp_path / "a.jpg").write_bytes(JPEG + b"behind it")
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
        assert [line.split()[1] for line in lines[1:3]] == ["stored", "stored"]
        media_id = lines[1].split()[2]
        assert running.status(media_id).filename == "a.jpg"

        told = run("status", media_id, "--url", running.fast_url)
        assert told.returncode == 0
        assert f"{media_id}/watermarked_a.jpg" in told.stdout
        assert "watermarked by worker-1" in told.stdout
        assert "data behind the picture was dropped" in told.stdout

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
        one_line(run("upload", str(tmp_path)), "No pictures found")
        one_line(run("upload", str(tmp_path / "nothing")), "doesn't exist")
        one_line(run("upload", str(tmp_path / "*.jpg")), "No picture matches ")


def test_status_of_an_unknown_media_is_one_line(running: System) -> None:
    one_line(run("status", "x", "--url", running.fast_url), "no picture")


def test_status_without_a_server_is_one_line() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    one_line(run("status", new_media_id(), "--url", nowhere), "can't be reached")


def test_status_of_a_failed_picture_tells_why(running: System) -> None:
    media = running.upload(JPEG[: len(JPEG) // 2])
    failed: MediaStatus = running.wait_for(media.id, "failed")
    told = run("status", media.id, "--url", running.fast_url)
    assert told.returncode == 1
    assert failed.error
    assert failed.error.detail in told.stdout
