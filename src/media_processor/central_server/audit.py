"""Checks the activity log against its chain, and the chain against a witness.

Reports the first entry that isn't as it was written. The files may grow meanwhile: an entry is in
the chain before its line is in the log, and the log's size is read first.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from media_processor.central_server.chain import (
    EVERY,
    GENESIS,
    ChainEntry,
    encode_checkpoint,
    is_genuine,
)
from media_processor.central_server.log_files import LogFiles
from media_processor.ids import now
from media_processor.messages.archive import Checkpoint, LogVerdict

# A running server completes the line that it is writing within this, in seconds.
_SOON = 3.0
# A rotation renames its files within this, in seconds.
_ROTATION = 1.0
_PAUSE = 0.05
_REPORT_EVERY = 5000
# A request gets the last verdict if a new one takes longer, in seconds.
_PATIENCE = 1.0
# Between two checks: at least 2 s, and 19 times as long as a check took.
_MIN_PAUSE, _PAUSE_FACTOR = 2.0, 19


class Altered(Exception):
    """``sequence`` is the first entry at which something is wrong, ``what`` says what."""

    def __init__(self, sequence: int, what: str) -> None:
        super().__init__(f"entry {sequence}: {what}")
        self.sequence = sequence
        self.what = what


@dataclass
class Verified:
    """A log that agrees with its chain: how many of each were checked."""

    entries: int = 0
    checkpoints: int = 0
    witnessed: int = 0


def verify(
    log_file: Path,
    public_key: str | None,
    witness: Iterable[Checkpoint],
    on_entry: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Check every entry, line and checkpoint.

    ``public_key`` is in hex; without one every checkpoint counts as altered. ``on_entry`` is
    called every 5,000 entries with their number.

    Raises:
        Altered: something was changed, removed, added or swapped.
    """
    return _Reader(log_file, public_key, witness, on_entry).read()


class CheckedLog:
    """The verdict on a log that grows: checked on request, for at most a twentieth of the time."""

    def __init__(self, log_file: Path, public_key: str) -> None:
        self._log_file, self._public_key = log_file, public_key
        self._checking: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self._verdict = LogVerdict(state="unknown", detail="The log is still being checked.")

    async def verdict(self) -> LogVerdict:
        """A new verdict if one is due and takes at most a second, else the last one."""
        if self._checking is None and time.monotonic() >= self._next_at:
            self._checking = asyncio.create_task(self._check())
        if self._checking:
            await asyncio.wait({self._checking}, timeout=_PATIENCE)
        return self._verdict

    async def _check(self) -> None:
        began = time.monotonic()
        try:
            self._verdict = await asyncio.to_thread(self._verify)
        finally:
            took = time.monotonic() - began
            self._next_at = time.monotonic() + max(_MIN_PAUSE, _PAUSE_FACTOR * took)
            self._checking = None

    def _verify(self) -> LogVerdict:
        at = now()
        try:
            found = verify(self._log_file, self._public_key, ())
        except Altered as altered:
            detail = f"The log was altered. First problem: {altered}."
            return LogVerdict(state="altered", detail=detail, at=at)
        except OSError as error:
            detail = f"The log can't be read: {error.strerror}."
            return LogVerdict(state="unknown", detail=detail, at=at)
        return LogVerdict(
            state="agrees", detail="All entries are intact.", sequence=found.entries, at=at
        )


class _Reader:
    def __init__(
        self,
        log_file: Path,
        public_key: str | None,
        witness: Iterable[Checkpoint],
        on_entry: Callable[[int], None],
    ) -> None:
        self._files = LogFiles(log_file)
        self._key = public_key
        self._witness = {checkpoint.sequence: checkpoint for checkpoint in witness}
        self._on_entry = on_entry
        self._found = Verified()
        self._previous, self._end = GENESIS, 0

    def read(self) -> Verified:
        with ExitStack() as stack:
            for log, chain in self._open_files(stack):
                self._read_files(log, chain)
        beyond = [number for number in self._witness if number > self._found.entries]
        if beyond:
            raise Altered(
                self._next, f"the log was truncated; a witness has seen entry {max(beyond)}"
            )
        return self._found

    @property
    def _next(self) -> int:
        return self._found.entries + 1

    def _open_files(self, stack: ExitStack) -> list[tuple[BinaryIO, BinaryIO]]:
        # A rotation renames files between listing and opening them, but not what is open.
        give_up = time.monotonic() + _ROTATION
        while True:
            spans = self._files.rotated()
            problem = "the log's files keep changing"
            with ExitStack() as opening:
                try:
                    opened = self._open(spans, opening)
                    if self._files.rotated() == spans:
                        stack.enter_context(opening.pop_all())
                        return opened
                except FileNotFoundError as error:
                    problem = f"{Path(error.filename).name} is missing"
            if time.monotonic() >= give_up:
                raise Altered(self._next, problem)
            time.sleep(_PAUSE)

    def _open(
        self, spans: list[tuple[int, int]], stack: ExitStack
    ) -> list[tuple[BinaryIO, BinaryIO]]:
        files = self._files
        pairs = [(files.rotated_log(*span), files.rotated_chain(*span)) for span in spans]
        return [
            (stack.enter_context(log.open("rb")), stack.enter_context(chain.open("rb")))
            for log, chain in [*pairs, (files.log, files.chain)]
        ]

    def _read_files(self, log: BinaryIO, chain: BinaryIO) -> None:
        size = log.seek(0, 2)
        log.seek(0)
        for raw in _lines(chain):
            entry = self._check_entry(raw)
            self._check_line(log, entry)
            self._found.entries = entry.sequence
            self._previous, self._end = entry.hash, entry.end
            self._check_witness(entry)
            if entry.sequence % EVERY == 0:
                self._check_checkpoint(entry, _next_line(chain, required=True))
            if entry.sequence % _REPORT_EVERY == 0:
                self._on_entry(entry.sequence)
        if log.tell() < size:
            raise Altered(self._next, "the log has bytes that no chain entry covers")

    def _check_entry(self, raw: bytes) -> ChainEntry:
        entry = _parse_entry(raw)
        if entry is None:
            raise Altered(self._next, "its chain entry is unreadable")
        if entry.sequence != self._next:
            raise Altered(self._next, f"the chain continues with entry {entry.sequence}")
        if entry.previous != self._previous:
            raise Altered(self._next, "it doesn't link to the previous entry")
        if not _is_canonical(entry, raw):
            raise Altered(self._next, "its hash doesn't match its content")
        if entry.offset != self._end:
            raise Altered(
                self._next, "the log has bytes before its line that no chain entry covers"
            )
        return entry

    def _check_line(self, log: BinaryIO, entry: ChainEntry) -> None:
        expected = f"{entry.line}\n".encode()
        if entry.length != len(expected):
            raise Altered(entry.sequence, "its length doesn't match its line")
        give_up = time.monotonic() + _SOON
        found = log.read(entry.length)
        while len(found) < entry.length and time.monotonic() < give_up:
            time.sleep(_PAUSE)  # the server may be writing it
            found += log.read(entry.length - len(found))
        if found != expected:
            missing = len(found) < entry.length
            raise Altered(
                entry.sequence,
                "its line is missing from the log"
                if missing
                else "its line in the log is different",
            )

    def _check_checkpoint(self, entry: ChainEntry, raw: bytes) -> None:
        checkpoint = _parse_checkpoint(raw)
        if checkpoint is None or encode_checkpoint(checkpoint) != raw:
            raise Altered(entry.sequence, "its checkpoint is missing or unreadable")
        stated = (checkpoint.sequence, checkpoint.hash, checkpoint.end)
        if stated != (entry.sequence, entry.hash, entry.end):
            raise Altered(entry.sequence, "its checkpoint doesn't match the entry")
        if checkpoint.key != self._key or not is_genuine(checkpoint):
            raise Altered(
                entry.sequence, "its checkpoint isn't signed with the central server's key"
            )
        self._found.checkpoints += 1

    def _check_witness(self, entry: ChainEntry) -> None:
        seen = self._witness.get(entry.sequence)
        if seen is None:
            return
        if not is_genuine(seen) or (self._key and seen.key != self._key):
            raise Altered(entry.sequence, "the witness's checkpoint is signed with another key")
        if (seen.hash, seen.end) != (entry.hash, entry.end):
            raise Altered(entry.sequence, "the witness has seen a different entry")
        self._found.witnessed += 1


def _lines(chain: BinaryIO) -> Iterator[bytes]:
    # The caller reads the checkpoints that it expects.
    while line := _next_line(chain):
        yield line


def _next_line(chain: BinaryIO, *, required: bool = False) -> bytes:
    # A running server may be in the middle of writing it.
    line = chain.readline()
    give_up = time.monotonic() + _SOON
    while (line or required) and not line.endswith(b"\n") and time.monotonic() < give_up:
        time.sleep(_PAUSE)
        line += chain.readline()
    return line


def _parse_entry(raw: bytes) -> ChainEntry | None:
    value = _parse_object(raw)
    value.pop("hash", None)
    try:
        return ChainEntry(**value) if _has_types(value) else None
    except TypeError:
        return None


def _is_canonical(entry: ChainEntry, raw: bytes) -> bool:
    try:
        return entry.encode() == raw
    except UnicodeEncodeError:  # half a surrogate pair, which the server never writes
        return False


def _has_types(value: dict[str, Any]) -> bool:
    numbers = ("sequence", "offset", "length")
    return all((type(value[name]) is int) == (name in numbers) for name in value) and all(
        isinstance(value[name], int | str) for name in value
    )


def _parse_checkpoint(raw: bytes) -> Checkpoint | None:
    value = _parse_object(raw)
    try:
        return Checkpoint(sequence=value.pop("checkpoint"), **value)
    except (KeyError, TypeError, ValueError):
        return None


def _parse_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
