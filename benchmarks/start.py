"""Measures how much CPU a command or a service takes to start. See README.md."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import command, report
from benchmarks.pictures import photo
from benchmarks.problem import BenchmarkError
from media_processor.harness.machine import CENTRAL, FAST, Machine
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until
from media_processor.images.logo import bundled_logo_path

_ROUNDS = 7
_WORKER = "worker-server"


@dataclass(frozen=True)
class Case:
    """``most`` is the target in CPU seconds, if there is one."""

    label: str
    arguments: tuple[str, ...]
    most: float | None = None


def main() -> int:
    options = command.parser(__doc__, quick="one start of each instead of seven").parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        text = _measure(Path(folder), 1 if options.quick else _ROUNDS)
    print(text)
    if options.write:
        report.write(options.write, text, "bench-start")
    return 0


def _measure(folder: Path, rounds: int) -> str:
    cases, services = _cases(folder), (FAST, _WORKER, CENTRAL)
    seconds: dict[str, list[float]] = {}
    load = os.getloadavg()[0]
    valkey = Valkey(folder)
    try:
        for number in range(rounds):
            for case in cases:
                seconds.setdefault(case.label, []).append(_command(case, folder))
            for service in services:
                used = _service(service, folder / f"{number}-{service}", valkey)
                seconds.setdefault(service, []).append(used)
    finally:
        valkey.stop()
    rows = [_row(case.label, seconds[case.label], case.most) for case in cases]
    rows += [_row(f"`{service}` until ready", seconds[service], 1.0) for service in services]
    table = report.markdown(["", "CPU, median", "target"], rows)
    return (
        f"{table}\n\n{report.software()}. Starts of each: {rounds}, in one run; user and system "
        f"time of the process and its children; the load average was {load:.1f}."
    )


def _cases(folder: Path) -> tuple[Case, ...]:
    picture = folder / "in.jpg"
    picture.write_bytes(photo(640, 480, 100_000, quality=85, seed=1))
    command = ("-m", "media_processor")
    nowhere = f"http://127.0.0.1:{free_port()}"
    out = str(folder / "out.jpg")
    return (
        Case("Python alone", ("-c", "pass")),
        Case("`--help`", (*command, "--help"), 0.25),
        Case("`--version`", (*command, "--version"), 0.25),
        Case("`watermark --help`", (*command, "watermark", "--help"), 0.25),
        Case("`queue`, no server", (*command, "queue", "--url", nowhere)),
        Case("`watermark`, one JPEG", (*command, "watermark", "--force", str(picture), out), 0.6),
        Case("`import media_processor.client`", ("-c", "import media_processor.client"), 0.35),
    )


def _command(case: Case, folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *case.arguments],
        env={"PATH": os.environ["PATH"], "GOOGLE_LOGO": str(bundled_logo_path())},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    if case.most and done.returncode:
        raise BenchmarkError(f"{case.label}: {done.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _service(service: str, data: Path, valkey: Valkey) -> float:
    machine = Machine(data, valkey)
    machine.start(service, PYTHONUNBUFFERED="1")  # what Python reads at its start isn't forked
    try:
        if service == FAST:
            machine.wait_fast()
        elif service == CENTRAL:
            machine.wait_central()
        else:
            wait_until(lambda: "ready: " in machine.log(service), f"{service} is ready")
        process = psutil.Process(machine.processes[service].pid)
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return sum(each.user + each.system for each in times)
    finally:
        machine.stop()


def _row(label: str, seconds: list[float], most: float | None) -> list[str]:
    median = statistics.median(seconds)
    target = f"{report.verdict(median <= most)} ≤ {most:.2f} s" if most else ""
    return [label, f"{median:.2f} s", target]


if __name__ == "__main__":
    sys.exit(main())
