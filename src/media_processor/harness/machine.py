"""A whole system of real processes, on free ports and in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2

from media_processor.harness.forking import Popen
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until
from media_processor.images.logo import bundled_logo_path
from media_processor.jobs.keys import Keys
from media_processor.settings import SpoolSettings
from media_processor.work.spool import Spool, open_spool

FAST, CENTRAL, WORKER = "fast-server", "central-server", "worker-1"

# Short, so that a crash costs little time; long enough for a busy machine.
_FAST = {"LEASE_SECONDS": "2", "RECONCILE_SECONDS": "0.5", "WATERMARK_PROCESSES": "1"}

# Services stop within 15 s and some; a slow machine needs more than that for all.
_STOP_SECONDS = 40


@dataclass
class _Started:
    """A process and how to start it again."""

    arguments: list[str]
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]" = field(init=False)


class Machine:
    """Fast server, workers and archive; each can be killed and started again."""

    def __init__(self, data: Path, valkey: Valkey, logo: Path | None = None) -> None:
        self.data = data
        self.valkey = valkey
        self.fast_port, self.central_port = free_port(), free_port()
        self.fast_url = f"http://127.0.0.1:{self.fast_port}"
        self.central_url = f"http://127.0.0.1:{self.central_port}"
        self.http = httpx2.Client(base_url=self.fast_url, timeout=20)
        self.central = httpx2.Client(base_url=self.central_url, timeout=20)
        self._started: dict[str, _Started] = {}
        self.sessions: set[int] = set()  # of all that it ever started
        self.environment = {
            **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME")},
            **valkey.environment,
            **_FAST,
            "MEDIA_DATA_DIR": str(data),
            "FAST_SERVER_PORT": str(self.fast_port),
            "CENTRAL_SERVER_PORT": str(self.central_port),
            "CENTRAL_SERVER_URL": f"{self.central_url}/upload-final",
            "GOOGLE_LOGO": str(logo or bundled_logo_path()),
        }

    @property
    def processes(self) -> "dict[str, subprocess.Popen[bytes]]":
        return {name: started.process for name, started in self._started.items()}

    def start_all(self) -> None:
        self.start(CENTRAL)
        self.start(FAST)
        self.start("worker-server", WORKER)
        self.wait_healthy()

    def start(self, command: str, name: str | None = None, *more: str, **env: str) -> None:
        """Its log goes to ``<name>.log`` beside the data folder."""
        name = name or command
        arguments = [sys.executable, "-m", "media_processor", command, *more]
        environment = {**self.environment, "HOSTNAME": name, **env}
        self._started[name] = _Started(arguments, environment)
        self.restart(name)

    def restart(self, name: str) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        started = self._started[name]
        with self._log_file(name).open("ab") as output:
            started.process = Popen(
                started.arguments,
                env=started.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a signal to the group must not reach us
            )
        self.sessions.add(started.process.pid)

    def revive(self) -> list[str]:
        dead = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in dead:
            self.restart(name)
        return dead

    def log(self, name: str) -> str:
        return self._log_file(name).read_text()

    def _log_file(self, name: str) -> Path:
        return self.data.with_name(f"{self.data.name}-{name}.log")

    def wait_healthy(self) -> None:
        self.wait_fast()
        self.wait_central()

    def wait_fast(self) -> None:
        wait_until(partial(_healthy, self.http), "the fast server is healthy")

    def wait_central(self) -> None:
        wait_until(partial(_healthy, self.central), "the central server is healthy")

    def kill(self, name: str, sign: int = signal.SIGKILL) -> None:
        self.processes[name].send_signal(sign)
        self.processes[name].wait(_STOP_SECONDS)

    def stop(self) -> list[int]:
        """Returns the ids of processes that didn't end by themselves and were killed."""
        running = [process for process in self.processes.values() if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running:
            process.wait(_STOP_SECONDS)
        self.http.close()
        self.central.close()
        with suppress(AssertionError):
            wait_until(lambda: not self._left(), "children end", 5)
        left = self._left()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return left

    def _left(self) -> list[int]:
        # Orphans of killed ones too: they stay in its sessions.
        pids = [pid for pid in _pids() if _session(pid) in self.sessions]
        return [pid for pid in pids if not _reap(pid)]

    # ── what it has kept ──────────────────────────────────────────────────────────

    def spool(self) -> Spool:
        return open_spool(SpoolSettings(media_data_dir=self.data))

    def keys(self) -> Keys:
        """The names of its keys in Redis."""
        identity = self.spool().identity
        return Keys(identity, identity)

    def stored_files(self) -> list[Path]:
        root = self.data / "central_storage"
        return sorted(path for path in root.glob("[0-9]*/**/*") if path.is_file())

    def log_lines(self) -> list[str]:
        path = self.data / "worker_activity.log"
        return path.read_text().splitlines() if path.exists() else []

    def temporary_files(self) -> list[Path]:
        found = [
            *(self.data / "uploads" / "incoming").glob("*"),
            *(self.data / "central_storage" / "incoming").glob("*"),
        ]
        if found:  # a check of /ready writes one for a moment
            time.sleep(0.1)
        return [path for path in found if path.exists()]

    def open_records(self) -> list[Path]:
        return list((self.data / "uploads" / "open").glob("*"))


def children(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in found] + [
        below for child in found for below in children(int(child))
    ]


def _pids() -> list[int]:
    if not Path("/proc").is_dir():
        return []  # only Linux tells
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it has ended, or is somebody else's
        return None


def _reap(pid: int) -> bool:
    # forking.py adopts orphans for a moment: one that ends then has nobody else to wait for it.
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    return False


def _healthy(client: httpx2.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx2.TransportError:
        return False
