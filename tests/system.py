"""A whole system of real processes, on free ports and in a folder of its own."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psutil

from media_processor.messages import AcceptedMedia, MediaStatus, QueueReport
from tests.valkey import Valkey, free_port
from tests.waiting import wait_until

# Short, so that a test of a crash doesn't wait long; long enough for a busy machine.
_FAST = {"LEASE_SECONDS": "2", "RECONCILE_SECONDS": "0.5", "WATERMARK_PROCESSES": "1"}


class System:
    """Gateway, workers and archive; each can be killed and started again."""

    def __init__(self, data: Path, valkey: Valkey, logo: Path) -> None:
        self.data = data
        self.valkey = valkey
        self.fast_port, self.central_port = free_port(), free_port()
        self.fast_url = f"http://127.0.0.1:{self.fast_port}"
        self.central_url = f"http://127.0.0.1:{self.central_port}"
        self.http = httpx2.Client(base_url=self.fast_url, timeout=20)
        self.central = httpx2.Client(base_url=self.central_url, timeout=20)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME")},
            **valkey.environment,
            **_FAST,
            "MEDIA_DATA_DIR": str(data),
            "FAST_SERVER_PORT": str(self.fast_port),
            "CENTRAL_SERVER_PORT": str(self.central_port),
            "CENTRAL_SERVER_URL": f"{self.central_url}/upload-final",
            "GOOGLE_LOGO": str(logo),
        }

    # ── processes ────────────────────────────────────────────────────────────────

    def start_all(self) -> None:
        self.start("central-server")
        self.start("fast-server")
        self.start("worker-server", "worker-1")
        self.wait_healthy()

    def start(self, command: str, name: str | None = None, *more: str, **env: str) -> None:
        """Start a service; its log goes to ``<name>.log`` in the data folder."""
        name = name or command
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "media_processor", command, *more],
                env={**self.environment, "HOSTNAME": name, **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def log(self, name: str) -> str:
        return (self.data / f"{name}.log").read_text()

    def wait_healthy(self) -> None:
        self.wait_fast()
        self.wait_central()

    def wait_fast(self) -> None:
        wait_until(partial(_healthy, self.http), "the fast server is healthy")

    def wait_central(self) -> None:
        wait_until(partial(_healthy, self.central), "the central server is healthy")

    def kill(self, name: str, sign: int = signal.SIGKILL) -> None:
        self.processes[name].send_signal(sign)
        self.processes[name].wait(40)

    def stop(self) -> None:
        """End every process, politely, and see that none of their children is left."""
        families = [
            member
            for process in self.processes.values()
            if process.poll() is None
            for member in psutil.Process(process.pid).children(recursive=True)
        ]
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            process.wait(40)
        self.http.close()
        self.central.close()
        _, left = psutil.wait_procs(families, timeout=5)
        for orphan in left:
            orphan.kill()
        assert not left, f"processes left behind: {left}"

    # ── use ──────────────────────────────────────────────────────────────────────

    def post(
        self,
        content: bytes,
        filename: str = "photo.jpg",
        content_type: str = "image/jpeg",
        **more: Any,
    ) -> httpx2.Response:
        return self.http.post("/media", files={"file": (filename, content, content_type)}, **more)

    def upload(self, content: bytes, filename: str = "photo.jpg", **more: Any) -> AcceptedMedia:
        answer = self.post(content, filename, **more)
        assert answer.status_code == 202, answer.text
        return AcceptedMedia.model_validate_json(answer.content)

    def status(self, media_id: str) -> MediaStatus:
        answer = self.http.get(f"/media/{media_id}")
        assert answer.status_code == 200, answer.text
        return MediaStatus.model_validate_json(answer.content)

    def queue(self) -> QueueReport:
        return QueueReport.model_validate_json(self.http.get("/queue").content)

    def wait_for(self, media_id: str, *statuses: str, seconds: float = 30) -> MediaStatus:
        def reached() -> MediaStatus | None:
            media = self.status(media_id)
            return media if media.status in statuses else None

        return wait_until(reached, f"{media_id} is {' or '.join(statuses)}", seconds)

    # ── what is on disk ──────────────────────────────────────────────────────────

    def stored_files(self) -> list[Path]:
        root = self.data / "central_storage"
        return sorted(path for path in root.glob("[0-9]*/**/*") if path.is_file())

    def log_lines(self) -> list[str]:
        path = self.data / "worker_activity.log"
        return path.read_text().splitlines() if path.exists() else []

    def temporary_files(self) -> list[Path]:
        return [
            *(self.data / "uploads" / "incoming").glob("*"),
            *(self.data / "central_storage" / "incoming").glob("*"),
        ]

    def open_records(self) -> list[Path]:
        return list((self.data / "uploads" / "open").glob("*"))


def _healthy(client: httpx2.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx2.TransportError:
        return False
