"""Runs the faults one after the other and prints the table."""

import asyncio
import json
import logging
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import httpx2
from rich import box
from rich.console import Console
from rich.table import Table

from media_processor.chaos import archive, disks, kills, pictures, queue
from media_processor.chaos.trial import NotHere, Outcome, Trial
from media_processor.errors import SetupError
from media_processor.harness.invariant import Finding


@dataclass(frozen=True)
class Fault:
    """A row of the table; those ``in_short`` are part of the short form."""

    number: int
    name: str
    must_show: str
    run: Callable[[Trial], Awaitable[Outcome]]
    in_short: bool = False


FAULTS = (
    Fault(1, "kill storm", "all stored, drained ≤ 60 s", kills.kill_storm, in_short=True),
    Fault(2, "named crash points", "invariant in every run", kills.crash_points, in_short=True),
    Fault(3, "power cut", "no acknowledged picture lost", disks.power_cuts, in_short=True),
    Fault(4, "Redis failures", "202 throughout, stored ≤ 60 s", queue.redis_harmed, in_short=True),
    Fault(5, "worker killed mid-job", "again ≤ 15 s, no attempt counted", kills.killed_mid_job),
    Fault(6, "deploys", "stops ≤ 30 s, no 5xx but 503", kills.deploys),
    Fault(
        7, "central server down", "all stored, without help", archive.archive_away, in_short=True
    ),
    Fault(8, "stored, reply lost", "one file, row and line each", archive.stored_but_unheard),
    Fault(9, "bad network", "every flipped byte refused", archive.bad_network),
    Fault(10, "disk full", "507 or 503, recovers ≤ 10 s", disks.full_disks),
    Fault(11, "fsync fails", "no 2xx, set aside", disks.failed_syncs, in_short=True),
    Fault(12, "deadly picture", "dead letter, others stored", pictures.deadly_picture),
    Fault(13, "old backlog, wrong clocks", "started ≤ 1 s", queue.old_backlog),
    Fault(14, "busy neighbours", "picked up ≤ 50 ms p95", queue.busy_neighbours, in_short=True),
    Fault(15, "rotten files", "all found, no false alarm, ≥ 200 MB/s", pictures.rotten_files),
    Fault(16, "slow lines", "all stored, ≤ 1.5 × their bytes sent", archive.slow_lines),
)


@dataclass(frozen=True)
class _Row:
    """What a fault came to; without an outcome ``not_here`` says why it couldn't be run."""

    fault: Fault
    outcome: Outcome | None
    not_here: str
    took: float

    @property
    def is_met(self) -> bool:
        return self.outcome is not None and self.outcome.met


def run(numbers: list[int], *, short: bool, seed: int | None, as_json: bool) -> int:
    if unknown := set(numbers) - {fault.number for fault in FAULTS}:
        raise SetupError(f"Unknown fault {min(unknown)}. 'media-processor chaos' lists the faults.")
    # Who ends it in any way gets his processes ended and his mounts taken away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    seed = random.randrange(2**32) if seed is None else seed  # noqa: S311 - not a secret
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    console = Console(stderr=True)
    rows = []
    for fault in (fault for fault in FAULTS if fault.number in numbers):
        rows.append(_run_one(fault, seed, short, console))
        _say_result(rows[-1], console)
    sys.stdout.write(_as_json(seed, rows)) if as_json else _print_table(seed, rows)
    # In a short run, which is for developers' machines, a fault that can't be run here is
    # reported and doesn't count.
    return 0 if all(row.is_met or (short and row.not_here) for row in rows) else 1


def _run_one(fault: Fault, seed: int, short: bool, console: Console) -> _Row:
    began = time.monotonic()
    with console.status(f"{fault.number} {fault.name}") as status:

        def say(text: str) -> None:
            status.update(f"{fault.number} {fault.name}: {text}")

        # Each fault has numbers of its own, so that it can be repeated alone.
        trial = Trial(random.Random(f"{seed}:{fault.number}"), short, say)  # noqa: S311
        try:
            outcome = asyncio.run(_outcome(fault, trial))
        except NotHere as reason:
            return _Row(fault, None, str(reason), time.monotonic() - began)
    if trial.left_behind:
        outcome.finding.wrong.append(f"processes left behind: {trial.left_behind}")
    return _Row(fault, outcome, "", time.monotonic() - began)


async def _outcome(fault: Fault, trial: Trial) -> Outcome:
    try:
        return await fault.run(trial)
    except (AssertionError, TimeoutError, httpx2.HTTPError) as error:
        return Outcome(Finding(), missed=[f"it didn't finish: {error or type(error).__name__}"])


def _say_result(row: _Row, console: Console) -> None:
    mark = "✅" if row.is_met else "❌"
    console.print(f"{mark} {row.fault.number} {row.fault.name} ({row.took:.0f} s)", highlight=False)
    reasons = [*row.outcome.missed, *row.outcome.finding.wrong] if row.outcome else [row.not_here]
    for reason in reasons[:20]:
        console.print(f"   {reason}", highlight=False, markup=False)


def _print_table(seed: int, rows: list[_Row]) -> None:
    wide = Console(width=300)
    table = Table(box=box.MARKDOWN)
    for heading in ("#", "fault", "accepted", "stored", "failed", "lost", "duplicates"):
        table.add_column(heading)
    table.add_column("recovered in")
    table.add_column("shown")
    table.add_column("met")
    for row in rows:
        table.add_row(*_cells(row))
    wide.print(f"seed {seed}", highlight=False)
    wide.print(table)


def _cells(row: _Row) -> list[str]:
    head = [str(row.fault.number), row.fault.name]
    if row.outcome is None:
        return [*head, *["–"] * 6, row.not_here, "not run"]
    found, seconds = row.outcome.finding, row.outcome.seconds
    counts = (found.accepted, found.stored, found.failed, found.lost, found.duplicates)
    recovered = "–" if seconds is None else f"{seconds:.1f} s"
    met = "✅" if row.outcome.met else "❌"
    return [*head, *map(str, counts), recovered, row.outcome.note or row.fault.must_show, met]


def _as_json(seed: int, rows: list[_Row]) -> str:
    results = [
        {
            "number": row.fault.number,
            "fault": row.fault.name,
            "met": row.is_met,
            "not_here": row.not_here or None,
            "outcome": asdict(row.outcome) if row.outcome else None,
        }
        for row in rows
    ]
    return json.dumps({"seed": seed, "rows": results}, indent=1) + "\n"
