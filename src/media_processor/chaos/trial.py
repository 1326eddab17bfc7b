"""What every fault of the chaos table has: its own machine, random numbers, an outcome."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from media_processor.harness.invariant import Finding, examine, wait_drained
from media_processor.harness.load import Load
from media_processor.harness.machine import Machine
from media_processor.harness.valkey import Valkey

# Retries that a fault of seconds uses up no more than one of minutes uses up the real ones.
QUICK_RETRIES = "0.2,0.5,1,2,4"


class NotHere(Exception):
    """This machine doesn't permit the fault; the text says what is missing."""


@dataclass
class Outcome:
    """A row of the table. ``seconds`` is how long recovery took, None if it says nothing."""

    finding: Finding
    seconds: float | None = None
    note: str = ""
    missed: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        return self.finding.holds and not self.missed

    def add(self, other: "Outcome") -> None:
        found, more = self.finding, other.finding
        found.accepted += more.accepted
        found.stored += more.stored
        found.failed += more.failed
        found.lost += more.lost
        found.duplicates += more.duplicates
        found.wrong += more.wrong
        self.missed += other.missed
        self.seconds = max(self.seconds or 0.0, other.seconds or 0.0)

    def must(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.missed.append(otherwise)


@dataclass
class Trial:
    """One run of one fault. A ``short`` one does less of the same."""

    rng: random.Random
    short: bool
    say: Callable[[str], None]
    left_behind: list[int] = field(default_factory=list)

    def many(self, full: int, short: int) -> int:
        return short if self.short else full

    @contextmanager
    def folder(self) -> Iterator[Path]:
        with TemporaryDirectory(prefix="media-processor-chaos-") as name:
            yield Path(name)

    @contextmanager
    def machine(self, data: Path | None = None, **settings: str) -> Iterator[Machine]:
        """Not started; ends with the context."""
        with self.folder() as folder:
            valkey = Valkey(folder)
            machine = Machine(data or folder / "data", valkey)
            machine.environment |= {"UPLOAD_RETRY_DELAYS": QUICK_RETRIES, **settings}
            try:
                yield machine
            finally:
                self.left_behind += machine.stop()
                valkey.stop()


async def settle(
    machine: Machine, load: Load, seconds: float, *, others_allowed: bool = False
) -> Outcome:
    took, missed = None, []
    try:
        took = await asyncio.to_thread(wait_drained, machine, seconds, revive=True)
    except AssertionError as error:
        missed.append(str(error))
    finding = await asyncio.to_thread(
        examine, machine, load.accepted, others_allowed=others_allowed
    )
    return Outcome(finding, took, missed=missed)
