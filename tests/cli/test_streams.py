"""Standard output that nobody reads, that is full, or that the shell closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import run
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((300, 200)), "JPEG")


def unread(folder: Path, *arguments: str, **env: str) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "media_processor", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    with process.stderr:
        complaint = process.stderr.read()
    return process.wait(), complaint


@pytest.fixture
def folder(running: System, tmp_path: Path) -> Path:
    running.wait_for(running.upload(JPEG, "known.jpg").id, "stored")
    (tmp_path / "in").mkdir()
    for number in range(12):
        picture = JPEG + os.fsencode(f"{tmp_path} {number}")
        (tmp_path / "in" / f"{number}.jpg").write_bytes(picture)
    return tmp_path


class TestNobodyReads:
    @pytest.mark.parametrize(
        "command",
        [
            "list --json",
            "list --limit 0",  # without the note that there are more
            "queue --follow --json",
            "config",
            "watermark in -o out --dry-run",
            "watch in --once --settle 0.05",
            "upload --help",
            "--version",
        ],
    )
    def test_it_ends_quietly(self, running: System, folder: Path, command: str) -> None:
        ended = unread(folder, *command.split(), FAST_SERVER_URL=running.fast_url)
        assert ended == (141, "")

    @pytest.mark.parametrize("option", [["--json"], []])
    def test_an_upload_goes_on(self, running: System, folder: Path, option: list[str]) -> None:
        url = {"FAST_SERVER_URL": running.fast_url}
        assert unread(folder, "upload", "in", *option, **url) == (0, "")
        again = run("upload", "in", cwd=folder, HOME=str(folder), XDG_STATE_HOME="", **url)
        assert again.stdout.splitlines()[-1].split()[:2] == ["0", "12"], again.stdout

    def test_an_upload_says_that_something_is_not_well(self, running: System, folder: Path) -> None:
        (folder / "in" / "notes.jpg").write_text("no picture")
        ended = unread(folder, "upload", "in", "--json", FAST_SERVER_URL=running.fast_url)
        assert ended == (
            1,
            "media-processor: 1 of 13 pictures failed, but not all results were printed.\n",
        )


class TestNothingCanBeWritten:
    """One line, whenever it shows: at once, or when what was buffered is written."""

    def complaint(self, folder: Path, url: str, *arguments: str) -> str:
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "media_processor", *arguments],
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "FAST_SERVER_URL": url},
                cwd=folder,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        assert done.returncode == 1
        return done.stderr

    def test_a_full_disk(self, running: System, folder: Path) -> None:
        told = self.complaint(folder, running.fast_url, "list", "--json")
        assert told == "media-processor: No space left on device\n"

    @pytest.mark.slow
    def test_an_upload_goes_on_and_says_so(self, running: System, folder: Path) -> None:
        told = self.complaint(folder, running.fast_url, "upload", "in", "--json")
        assert told.splitlines() == [
            "media-processor: The results can't be written: No space left on device."
        ]

    @pytest.mark.parametrize(
        "closed",
        [
            pytest.param(">&-", marks=pytest.mark.slow),
            pytest.param("2>&-", marks=pytest.mark.slow),
            ">&- 2>&-",
        ],
    )
    def test_a_stream_that_the_shell_closed(
        self, running: System, folder: Path, closed: str
    ) -> None:
        for arguments in ("list --json --limit 0", "upload in --json"):
            done = subprocess.run(
                ["sh", "-c", f'"{sys.executable}" -m media_processor {arguments} {closed}'],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "FAST_SERVER_URL": running.fast_url,
                },
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, "")


def test_a_pipe_that_breaks_elsewhere_is_told() -> None:
    program = (
        "from media_processor.cli import main\n"
        "def app(): raise BrokenPipeError(32, 'Broken pipe')\n"
        "main.app = app\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "media-processor: Broken pipe\n")
