"""Keeps a copy of the archive's checkpoints, so that it can't cut its log back unseen.

One JSON object a line in ``witness.jsonl``, only ever added to. It is a local file, not bytes in
a storage, which can't be added to; fast servers that share the spool's folder share it.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from media_processor.central_client import CentralClient
from media_processor.errors import CentralUnavailable
from media_processor.messages.archive import Checkpoint, LogVerdict
from media_processor.storage.disk_errors import disk_errors

log = logging.getLogger(__name__)

# Lines are a few hundred bytes.
_TAIL_BYTES = 16 * 1024


class Contradiction(Exception):
    """The archive's word is not what it was."""


class Witness:
    """Asks the archive now and then what its log's end is."""

    def __init__(self, file: Path, central: CentralClient, every: float) -> None:
        self._file = file
        self._central = central
        self._every = every
        self._contradiction: str | None = None

    async def verdict(self) -> LogVerdict:
        """What is known of the archive's log: by our own witness, and by its own reading."""
        if self._contradiction:
            return LogVerdict(state="altered", detail=self._contradiction)
        try:
            return await self._central.log_verdict()
        except CentralUnavailable as error:
            return LogVerdict(state="unknown", detail=error.detail)

    async def watch(self) -> None:
        """Ask every ``every`` seconds, for ever."""
        while True:
            try:
                await self.ask()
                self._contradiction = None
            except Contradiction as error:
                self._contradiction = f"The log isn't what it was: {error}."
                log.error("❌ the archive's log was altered: %s; run 'audit verify'", error)
            except CentralUnavailable as error:
                log.debug("no checkpoints: %s", error.detail)
            except Exception:
                log.exception("❌ checkpoints can't be kept; it is tried again")
            await asyncio.sleep(self._every)

    async def ask(self) -> None:
        """Ask once, from the last one we have on; keep what is new.

        Raises:
            Contradiction: it isn't signed with the key of before, or the log ends earlier,
                or differs, where it was seen before.
            CentralUnavailable: the archive can't be asked, or keeps no such log.
        """
        last = await asyncio.to_thread(self._last)
        # From before the last one, so that it is told again and can be compared.
        after = last.sequence - 1 if last else 0
        while told := await self._central.checkpoints(after):
            if told[-1].sequence <= after:
                raise Contradiction("it tells what it was not asked for")
            await asyncio.to_thread(self._keep, told)
            last, after = None, told[-1].sequence
        if last:
            raise Contradiction(f"it ends before entry {last.sequence}, which we have seen")

    def _last(self) -> Checkpoint | None:
        try:
            with self._file.open("rb") as file:
                return _last_in(file)
        except FileNotFoundError:
            return None

    def _keep(self, told: Sequence[Checkpoint]) -> None:
        """Add what is new, durably; another fast server may have been faster."""
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with disk_errors(), os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_torn_line(file)
            last = _last_in(file)
            new = [one for one in told if last is None or one.sequence > last.sequence]
            for one in told:
                _compare(one, last)
            if new:
                file.write(b"".join(one.model_dump_json().encode() + b"\n" for one in new))
                file.flush()
                os.fsync(file.fileno())


def _compare(told: Checkpoint, last: Checkpoint | None) -> None:
    if last is None:
        return
    if told.key != last.key:
        raise Contradiction("it is signed with another key")
    if told.sequence == last.sequence and (told.hash, told.end) != (last.hash, last.end):
        raise Contradiction(f"entry {told.sequence} is another one")


def _last_in(file: BinaryIO) -> Checkpoint | None:
    """The last whole line; a crash may have torn the one behind it."""
    for line in reversed(_tail(file).splitlines()):
        try:
            return Checkpoint.model_validate_json(line)
        except ValidationError:
            continue
    return None


def _cut_torn_line(file: BinaryIO) -> None:
    tail = _tail(file)
    if not tail.endswith(b"\n"):
        file.truncate(file.tell() - len(tail.rpartition(b"\n")[2]))


def _tail(file: BinaryIO) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    return file.read()
