"""Drives the control and our system in one run and compares them. See README.md."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

# So that `python benchmarks/bench.py` finds its neighbours as `python -m benchmarks.bench` does.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command, measures, report
from benchmarks.measures import Session, Sizes
from benchmarks.pictures import Pictures, make_pictures
from benchmarks.problem import BenchmarkError
from benchmarks.report import Figures
from benchmarks.systems import DESIGNS, System

_FULL_ROUNDS = 3
_started = time.monotonic()


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every finally runs
    names = [options.only] if options.only else list(DESIGNS)
    sizes, rounds = (measures.QUICK, 1) if options.quick else (measures.FULL, _FULL_ROUNDS)
    try:
        figures = _measure(names, sizes, rounds)
    except BenchmarkError as error:
        _say(f"stopped: {error}")
        return 1
    what = f"{rounds} rounds, alternating; medians." if rounds > 1 else "One quick round."
    text = f"{report.table(figures)}\n\n{report.machine()} {what} {report.disturbance(figures)}"
    print(text)
    if options.write:
        report.write(options.write, text)
    return 0


def _options() -> argparse.Namespace:
    parser = command.parser(__doc__, quick="one short round")
    parser.add_argument("--only", choices=list(DESIGNS), help="measure one system alone")
    return parser.parse_args()


def _measure(names: list[str], sizes: Sizes, rounds: int) -> dict[str, Figures]:
    _say("making the pictures")
    pictures = make_pictures()
    figures = {name: Figures() for name in names}
    for number in range(1, rounds + 1):
        for name in names:
            _say(f"round {number} of {rounds}: {name}")
            os.sync()  # nobody shall pay for what another one wrote
            _run_pipeline(name, pictures, sizes, figures[name])
            _run_fast_server(name, pictures, sizes, figures[name])
    return figures


def _run_pipeline(name: str, pictures: Pictures, sizes: Sizes, figures: Figures) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        System(name, Path(folder), pictures.logo) as system,
    ):
        system.start_all()
        try:
            asyncio.run(_pipeline(Session(system), pictures, sizes, figures))
        except BenchmarkError as error:
            raise BenchmarkError(f"{name}: {error}\n{system.last_words()}") from error


async def _pipeline(session: Session, pictures: Pictures, sizes: Sizes, figures: Figures) -> None:
    await measures.check_health(session.system)
    await measures.warm_up(session, pictures)
    figures.add("idle commands", await measures.idle_commands(session.system, sizes.idle_seconds))
    _say(f"  idle: {figures.samples['idle commands'][-1]:.1f} Redis commands/s a worker")
    for size, contents, alone, many in (
        ("2.7 MP", pictures.small, sizes.latency_small, sizes.throughput_small),
        ("12 MP", pictures.large, sizes.latency_large, sizes.throughput_large),
    ):
        seconds = await measures.latencies(session, contents, alone)
        figures.add(f"{size} latency", *seconds)
        _say(f"  {size}: {sorted(seconds)[len(seconds) // 2] * 1000:.0f} ms when idle (p50)")
        measured = await measures.throughput(session, contents, many)
        for part, value in measured.items():
            figures.add(f"{size} {part}", value)
        _say(f"  {size}: {measured['rate']:.1f} pictures/s")
    session.system.check_alive()
    measures.check_stored(session)


def _run_fast_server(name: str, pictures: Pictures, sizes: Sizes, figures: Figures) -> None:
    # Alone, so that no worker disturbs.
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        System(name, Path(folder), pictures.logo) as system,
    ):
        system.start_fast_server()
        memory = asyncio.run(
            measures.fast_server_memory(
                Session(system), pictures.huge, pictures.small[0], sizes.huge
            )
        )
    for part, value in memory.items():
        figures.add(f"memory {part}", value)
    _say(f"  fast server: {memory['before']:.0f} MiB, with 50 MB bodies {memory['peak']:.0f} MiB")


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.0f} s] {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
