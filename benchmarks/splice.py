"""Measures what the splice saves, against Pillow in place and sharp. See README.md."""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks import command, report, splice_report, splice_sharp
from benchmarks.problem import BenchmarkError
from benchmarks.splice_pictures import GIANT, Case, at_depths, make_cases
from benchmarks.splice_report import Results, key
from benchmarks.splice_systems import OURS, PILLOW, SHARP, Python, System, check, placed
from media_processor.images.splice import Declined

_FULL_ROUNDS = 5
# Ours is so fast that as few times as of the others would be measured too coarsely.
_TIMES_MORE = 5
_DEPTH_TIMES = 3
_started = time.monotonic()


def main() -> int:
    options = command.parser(__doc__, quick="one round instead of five").parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every finally runs
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # children keep to it too
    rounds = 1 if options.quick else _FULL_ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench-splice-") as folder:
        try:
            text = _measure(Path(folder), rounds)
        except (BenchmarkError, Declined) as error:
            _say(f"stopped: {error}")
            return 1
    print(text)
    if options.write:
        report.write(options.write, text, "bench-splice")
    return 0


def _measure(folder: Path, rounds: int) -> str:
    systems = _systems(folder)
    _say("making the pictures")
    results = Results(make_cases(folder), [system.name for system in systems])
    shares = []
    for number in range(1, rounds + 1):
        _say(f"round {number} of {rounds}")
        start, unused = time.monotonic(), _unused_seconds()
        _round(systems, results)
        taken = (time.monotonic() - start) * (os.cpu_count() or 1)
        shares.append(max(0.0, 1 - (_unused_seconds() - unused) / taken))
    return f"{splice_report.tables(results)}\n\n{_note(results, rounds, max(shares))}"


def _systems(folder: Path) -> list[System]:
    found: list[System] = [Python(PILLOW, folder)]
    try:
        splice_sharp.install()
        found.append(splice_sharp.Sharp(folder))
    except BenchmarkError as error:
        _say(f"without sharp: {error}")
    return [*found, Python(OURS, folder)]


def _taking(systems: list[System], case: Case, results: Results) -> list[System]:
    left_out = {OURS} if case.label in results.declined else set()
    left_out |= {SHARP} if case.sharp is None else set()
    return [system for system in systems if system.name not in left_out]


def _round(systems: list[System], results: Results) -> None:
    for case in results.cases:
        for system in _taking(systems, case, results):
            _add(system, case, results)
        told = (f"{name} {results.latest(case, name)}" for name in results.names)
        _say(f"  {case.label}: {', '.join(told)}")
    giant = results.case(GIANT)
    if giant.label not in results.declined:
        for case in at_depths(giant):
            box, _ = placed(case)
            spent = systems[-1].measure(case, _DEPTH_TIMES).milliseconds
            results.depths.setdefault(box.top + box.height, []).append(spent)


def _add(system: System, case: Case, results: Results) -> None:
    times = case.repetitions * (_TIMES_MORE if system.name == OURS else 1)
    try:
        measured = system.measure(case, times)
    except Declined as declined:
        results.declined[case.label] = declined.reason
        return
    name = key(case, system.name)
    if name not in results.sizes:
        check(case, measured.output, system.name)
    results.times.add(name, measured.milliseconds)
    results.memory.add(name, measured.memory)
    results.sizes[name] = len(measured.output)


def _note(results: Results, rounds: int, others: float) -> str:
    what = f"{rounds} rounds, alternating; medians." if rounds > 1 else "One quick round."
    used = f", {splice_sharp.software()}" if len(results.names) > 2 else ""
    return f"{report.software()}{used}. {what} {report.disturbed(others)}"


def _unused_seconds() -> float:
    """CPU time so far that no other process used: idle, or spent by us and our children."""
    times = psutil.cpu_times()
    return float(times.idle + times.iowait) + sum(os.times()[:4])


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.0f} s] {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
