"""``media-processor up``: everything on one machine, started, kept running, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from media_processor.errors import SetupError
from media_processor.harness.forking import Popen
from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from media_processor.messages.media import MediaPage
from media_processor.up import main as up
from tests.images.pictures import encoded, photo

NAME = f"{socket.gethostname()}-1"
"""Of the only worker, if HOSTNAME is not set."""


class Machine:
    """An ``up`` process with ports and data of its own, in a folder whose path has a space."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.data = folder / "a folder" / "data"
        self.fast_port, self.central_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.fast_port}"
        self.output = folder / "output.txt"
        self._arguments = arguments
        self._environment = {
            "PATH": os.environ["PATH"],
            "COLUMNS": "200",
            "MEDIA_DATA_DIR": str(self.data),
            "FAST_SERVER_PORT": str(self.fast_port),
            "CENTRAL_SERVER_PORT": str(self.central_port),
            "WATERMARK_PROCESSES": "1",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, popen: type[subprocess.Popen[bytes]] = Popen[bytes]) -> None:
        with self.output.open("ab") as output:
            self.process = popen(
                [sys.executable, "-m", "media_processor", "up", *self._arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def says(self, text: str, seconds: float = 40) -> None:
        wait_until(lambda: text in self.text(), f"output has {text!r}", seconds)

    def text(self) -> str:
        return self.output.read_text()

    def family(self) -> list[psutil.Process]:
        assert self.process
        return psutil.Process(self.process.pid).children(recursive=True)

    def member(self, word: str) -> psutil.Process:
        return next(process for process in self.family() if word in " ".join(process.cmdline()))

    def end(self, sign: int = signal.SIGINT) -> int:
        assert self.process
        family = self.family() if self.process.poll() is None else []
        if self.process.poll() is None:
            self.process.send_signal(sign)
        status = self.process.wait(40)
        _, left = psutil.wait_procs(family, timeout=20)
        for orphan in left:
            orphan.kill()
        assert not left, f"left behind: {left}"
        return status


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.jpg").write_bytes(encoded(photo((200, 150)), "JPEG"))
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    if machine.process:
        machine.end()


@pytest.mark.slow
def test_the_demo_shows_every_picture_and_goes_on_serving(tmp_path: Path, pictures: Path) -> None:
    machine = Machine(tmp_path, "--demo", str(pictures))
    machine.start(subprocess.Popen[bytes])  # not forked: as a user starts it
    try:
        machine.says("Ctrl-C stops everything")
        text = machine.text()
        for name in ("0.jpg", "1.jpg"):
            assert re.search(rf"central_storage/\d{{4}}/\d\d/\d\d/\S+/watermarked_{name}", text)
            assert re.search(rf"\[[^]]+\] WORKER: {NAME} \| IMAGE: watermarked_{name}", text)
        assert len((machine.data / "worker_activity.log").read_text().splitlines()) == 2
        assert httpx2.get(f"{machine.url}/health").status_code == 200
        assert {path.name for path in machine.data.iterdir()} >= {
            "uploads",
            "central_storage",
            "worker_activity.log",
            "valkey",
        }
    finally:
        assert machine.end() == 0


@pytest.mark.slow
def test_what_dies_is_started_again_and_said_so(machine: Machine) -> None:
    machine.start()
    machine.says("Ctrl-C stops everything")
    for word, name in (
        ("worker-server", NAME),
        ("fast-server", "fast-server"),
        ("central-server", "central"),
        ("valkey-server", "valkey"),
    ):
        machine.member(word).kill()
        machine.says(f"{name} died (exit status -9)")
    wait_until(lambda: _stores_a_picture(machine), "a picture is stored", 60)


def _stores_a_picture(machine: Machine) -> bool:
    try:
        with httpx2.Client(base_url=machine.url) as http:
            files = {"file": ("a.jpg", encoded(photo((40, 30)), "JPEG"))}
            http.post("/media", files=files, headers={"Idempotency-Key": "1"})
            page = MediaPage.model_validate_json(http.get("/media?status=stored").content)
            return len(page.items) == 1
    except httpx2.TransportError:
        return False


_SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(signal.SIGTERM, marks=_SLOW),
        pytest.param(signal.SIGHUP, marks=_SLOW),
        signal.SIGKILL,
    ],
)
def test_nothing_outlives_it(machine: Machine, sign: int) -> None:
    machine.start()
    machine.says("Ctrl-C stops everything")
    assert machine.end(sign) == (-9 if sign == signal.SIGKILL else 0)


@_SLOW
def test_it_starts_again_at_once_with_the_same_data(machine: Machine) -> None:
    machine.start()
    machine.says("Ctrl-C stops everything")
    wait_until(lambda: _stores_a_picture(machine), "a picture is stored")
    machine.end()
    machine.output.unlink()
    machine.start()
    machine.says("Ctrl-C stops everything")
    page = MediaPage.model_validate_json(httpx2.get(f"{machine.url}/media").content)
    assert [media.status for media in page.items] == ["stored"]


@_SLOW
@pytest.mark.slow
def test_what_does_not_work_is_said_before_the_addresses(tmp_path: Path) -> None:
    machine = Machine(tmp_path, REDIS_HOST="127.0.0.1", REDIS_PORT=str(free_port()))
    machine.start()
    try:
        machine.says("the page", 60)
        log = machine.text()
        assert log.index("⚠️ redis: ") < log.index("the page")
    finally:
        machine.end()


@pytest.mark.slow
def test_workers_have_names_of_their_own(tmp_path: Path) -> None:
    machine = Machine(tmp_path, WORKERS="2", HOSTNAME="desk")
    machine.start()
    try:
        machine.says("Ctrl-C stops everything")
        for name in ("desk-1", "desk-2"):
            machine.says(f"{name}")
    finally:
        machine.end()


def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = os.statvfs(tmp_path)
    full = os.statvfs_result((*room[:4], 0, *room[5:]))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    with pytest.raises(SetupError, match="is full"), up._only_one(tmp_path / "data"):
        pass


class TestWhatIsWrongIsSaidInOneSentence:
    def _sentence(self, machine: Machine) -> str:
        machine.start()
        assert machine.process
        assert machine.process.wait(40) == 1
        lines = machine.text().splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("media-processor: ")
        return lines[0]

    def test_a_port_is_taken(self, machine: Machine) -> None:
        with socket.create_server(("127.0.0.1", machine.fast_port)):
            sentence = self._sentence(machine)
        assert str(machine.fast_port) in sentence
        assert f"FAST_SERVER_PORT={machine.fast_port + 1}" in sentence

    def test_the_data_folder_is_in_use(self, machine: Machine, tmp_path: Path) -> None:
        machine.start()
        machine.says("Ctrl-C stops everything")
        second = Machine(tmp_path / "second", MEDIA_DATA_DIR=str(machine.data))
        second.output.parent.mkdir()
        assert "Another media-processor is using" in self._sentence(second)

    @pytest.mark.parametrize(
        ("variable", "value", "word"),
        [
            ("FAST_SERVER_PORT", "abc", "FAST_SERVER_PORT"),
            ("WORKERS", "0", "WORKERS"),
            ("SIMULATED_LATENCY", "8-3", "SIMULATED_LATENCY"),
            ("UPLOAD_RETRY_DELAYS", "1,x", "UPLOAD_RETRY_DELAYS"),
            ("CENTRAL_SERVER_URL", "nonsense", "CENTRAL_SERVER_URL"),
            ("REDIS_URL", "http://secret@x", "REDIS_URL"),
            ("MEDIA_DATA_DIR", "/proc/nowhere", "MEDIA_DATA_DIR"),
            ("GOOGLE_LOGO", "/nowhere/logo.png", "doesn't exist"),
        ],
    )
    def test_a_setting_is_wrong(self, tmp_path: Path, variable: str, value: str, word: str) -> None:
        sentence = self._sentence(Machine(tmp_path, **{variable: value}))
        assert word in sentence
        assert "secret" not in sentence
