"""Holds the activity log against its chain, and the chain against its witnesses.

Whatever was altered, the first entry at which it shows is named. The files may be written
to meanwhile: an entry is in the chain before its line is in the log, and the log's size is
read first.
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
    encoded_checkpoint,
    is_genuine,
)
from media_processor.central_server.log_files import Pieces
from media_processor.ids import now
from media_processor.messages.archive import Checkpoint, LogVerdict

# A line that a running server is just writing is there within this.
_SOON = 3.0
_PAUSE = 0.05
_SAY_EVERY = 5000
# A page that asks gets the last verdict if a new one takes longer, in seconds.
_PATIENCE = 1.0
_LEAST_PAUSE, _PAUSES = 2.0, 19


class Altered(Exception):
    """The first sequence number at which something is wrong, and what."""

    def __init__(self, sequence: int, what: str) -> None:
        super().__init__(f"entry {sequence}: {what}")
        self.sequence = sequence
        self.what = what


@dataclass
class Verified:
    """A chain that is whole."""

    entries: int = 0
    checkpoints: int = 0
    witnessed: int = 0


def verify(
    log_file: Path,
    public_key: str | None,
    witness: Iterable[Checkpoint],
    on_entry: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Check every entry, line and checkpoint; ``on_entry`` hears now and then how many.

    ``public_key`` is in hex; without one no checkpoint is trusted.

    Raises:
        Altered: something was changed, removed, added or swapped.
    """
    try:
        return _Reader(log_file, public_key, witness, on_entry).read()
    except Altered:
        # The log may have been rotated between our look at the names and our opening them.
        return _Reader(log_file, public_key, witness, on_entry).read()


class CheckedLog:
    """What is known of a log that is written to meanwhile: checked when somebody asks, but no
    more than a twentieth of the time."""

    def __init__(self, log_file: Path, public_key: str) -> None:
        self._log_file, self._public_key = log_file, public_key
        self._checking: asyncio.Task[None] | None = None
        self._next_at = 0.0
        self._verdict = LogVerdict(state="unknown", detail="The log is being checked.")

    async def verdict(self) -> LogVerdict:
        """The last verdict; a new one if that doesn't take long."""
        if self._checking is None and time.monotonic() >= self._next_at:
            self._checking = asyncio.create_task(self._check())
        if self._checking:
            await asyncio.wait({self._checking}, timeout=_PATIENCE)
        return self._verdict

    async def _check(self) -> None:
        began = time.monotonic()
        try:
            self._verdict = await asyncio.to_thread(self._checked)
        finally:
            took = time.monotonic() - began
            self._next_at = time.monotonic() + max(_LEAST_PAUSE, _PAUSES * took)
            self._checking = None

    def _checked(self) -> LogVerdict:
        at = now()
        try:
            found = verify(self._log_file, self._public_key, ())
        except Altered as altered:
            detail = f"The log was altered. First at {altered}."
            return LogVerdict(state="altered", detail=detail, at=at)
        except OSError as error:
            detail = f"The log can't be read: {error.strerror}."
            return LogVerdict(state="unknown", detail=detail, at=at)
        return LogVerdict(
            state="agrees", detail="Every entry was checked.", sequence=found.entries, at=at
        )


class _Reader:
    def __init__(
        self,
        log_file: Path,
        public_key: str | None,
        witness: Iterable[Checkpoint],
        on_entry: Callable[[int], None],
    ) -> None:
        self._pieces = Pieces(log_file)
        self._key = public_key
        self._witness = {checkpoint.sequence: checkpoint for checkpoint in witness}
        self._say = on_entry
        self._found = Verified()
        self._previous, self._end = GENESIS, 0

    def read(self) -> Verified:
        with ExitStack() as stack:
            for log, chain in self._opened(stack):
                self._read_piece(log, chain)
        beyond = [number for number in self._witness if number > self._found.entries]
        if beyond:
            raise Altered(self._next, f"the log was cut back; entry {max(beyond)} was witnessed")
        return self._found

    @property
    def _next(self) -> int:
        return self._found.entries + 1

    def _opened(self, stack: ExitStack) -> list[tuple[BinaryIO, BinaryIO]]:
        pieces = self._pieces
        pairs = [(pieces.old_log(*old), pieces.old_chain(*old)) for old in pieces.old()]
        pairs.append((pieces.log, pieces.chain))
        opened: list[tuple[BinaryIO, BinaryIO]] = []
        for paths in pairs:
            for path in paths:
                if not path.exists():
                    raise Altered(self._next, f"{path.name} is missing")
            log, chain = (stack.enter_context(path.open("rb")) for path in paths)
            opened.append((log, chain))
        return opened

    def _read_piece(self, log: BinaryIO, chain: BinaryIO) -> None:
        size = log.seek(0, 2)
        log.seek(0)
        for raw in _lines(chain):
            entry = self._entry(raw)
            self._check_line(log, entry)
            self._found.entries = entry.sequence
            self._previous, self._end = entry.hash, entry.end
            self._check_witness(entry)
            if entry.sequence % EVERY == 0:
                self._check_checkpoint(entry, _next_line(chain, must_come=True))
            if entry.sequence % _SAY_EVERY == 0:
                self._say(entry.sequence)
        if log.tell() < size:
            raise Altered(self._next, "the log has bytes that the chain doesn't know")

    def _entry(self, raw: bytes) -> ChainEntry:
        entry = _parsed(raw)
        if entry is None:
            raise Altered(self._next, "the chain's entry can't be read")
        if entry.sequence != self._next:
            raise Altered(self._next, f"the chain goes on with entry {entry.sequence}")
        if entry.previous != self._previous:
            raise Altered(self._next, "it doesn't follow the entry before it")
        if not _is_written_as(entry, raw):
            raise Altered(self._next, "its hash is not that of its content")
        if entry.offset != self._end:
            raise Altered(self._next, "the log has bytes before its line that no entry knows")
        return entry

    def _check_line(self, log: BinaryIO, entry: ChainEntry) -> None:
        expected = f"{entry.line}\n".encode()
        if entry.length != len(expected):
            raise Altered(entry.sequence, "its length is not that of its line")
        give_up = time.monotonic() + _SOON
        found = log.read(entry.length)
        while len(found) < entry.length and time.monotonic() < give_up:
            time.sleep(_PAUSE)  # the server may be about to write it
            found += log.read(entry.length - len(found))
        if found != expected:
            missing = len(found) < entry.length
            raise Altered(
                entry.sequence,
                "its line is missing in the log" if missing else "its line in the log is another",
            )

    def _check_checkpoint(self, entry: ChainEntry, raw: bytes) -> None:
        checkpoint = _parsed_checkpoint(raw)
        if checkpoint is None or encoded_checkpoint(checkpoint) != raw:
            raise Altered(entry.sequence, "its checkpoint is missing or can't be read")
        told = (checkpoint.sequence, checkpoint.hash, checkpoint.end)
        if told != (entry.sequence, entry.hash, entry.end):
            raise Altered(entry.sequence, "its checkpoint is of something else")
        if checkpoint.key != self._key or not is_genuine(checkpoint):
            raise Altered(entry.sequence, "its checkpoint isn't signed with the archive's key")
        self._found.checkpoints += 1

    def _check_witness(self, entry: ChainEntry) -> None:
        seen = self._witness.get(entry.sequence)
        if seen is None:
            return
        if not is_genuine(seen) or (self._key and seen.key != self._key):
            raise Altered(entry.sequence, "the witness has it signed with another key")
        if (seen.hash, seen.end) != (entry.hash, entry.end):
            raise Altered(entry.sequence, "the witness has seen another one")
        self._found.witnessed += 1


def _lines(chain: BinaryIO) -> Iterator[bytes]:
    """The entries; checkpoints are read by whoever expects them."""
    while line := _next_line(chain):
        yield line


def _next_line(chain: BinaryIO, *, must_come: bool = False) -> bytes:
    """A whole line. A running server may be in the middle of writing it."""
    line = chain.readline()
    give_up = time.monotonic() + _SOON
    while (line or must_come) and not line.endswith(b"\n") and time.monotonic() < give_up:
        time.sleep(_PAUSE)
        line += chain.readline()
    return line


def _parsed(raw: bytes) -> ChainEntry | None:
    value = _object(raw)
    value.pop("hash", None)
    try:
        return ChainEntry(**value) if _has_types(value) else None
    except TypeError:
        return None


def _is_written_as(entry: ChainEntry, raw: bytes) -> bool:
    try:
        return entry.encoded() == raw
    except UnicodeEncodeError:  # half a surrogate pair, which the archive never writes
        return False


def _has_types(value: dict[str, Any]) -> bool:
    numbers = ("sequence", "offset", "length")
    return all((type(value[name]) is int) == (name in numbers) for name in value) and all(
        isinstance(value[name], int | str) for name in value
    )


def _parsed_checkpoint(raw: bytes) -> Checkpoint | None:
    value = _object(raw)
    try:
        return Checkpoint(sequence=value.pop("checkpoint"), **value)
    except (KeyError, TypeError, ValueError):
        return None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
