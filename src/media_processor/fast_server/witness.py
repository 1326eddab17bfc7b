"""Keeps a copy of the central server's checkpoints, so that a shortened log is noticed.

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
    """The central server contradicts a checkpoint it gave before."""


class Witness:
    """Fetches the central server's checkpoints regularly and compares them."""

    def __init__(self, file: Path, central: CentralClient, every: float) -> None:
        self._file = file
        self._central = central
        self._every = every
        self._contradiction: str | None = None

    async def verdict(self) -> LogVerdict:
        if self._contradiction:
            return LogVerdict(state="altered", detail=self._contradiction)
        try:
            return await self._central.log_verdict()
        except CentralUnavailable as error:
            return LogVerdict(state="unknown", detail=error.detail)

    async def watch(self) -> None:
        while True:
            try:
                await self.ask()
                self._contradiction = None
            except Contradiction as error:
                self._contradiction = f"The activity log was altered: {error}."
                log.error(
                    "❌ the activity log was altered: %s; run 'media-processor audit verify'", error
                )
            except CentralUnavailable as error:
                log.debug("can't fetch checkpoints: %s", error.detail)
            except Exception:
                log.exception("❌ can't save checkpoints; retrying")
            await asyncio.sleep(self._every)

    async def ask(self) -> None:
        """Fetch checkpoints from the last known one on, and save the new ones.

        Raises:
            Contradiction: the key changed, or the log is shorter or different than at the last
                known checkpoint.
            CentralUnavailable: the central server can't be reached, or has no checkpoints.
        """
        last = await asyncio.to_thread(self._last)
        # Includes the last known one again, for comparison.
        after = last.sequence - 1 if last else 0
        while checkpoints := await self._central.checkpoints(after):
            if checkpoints[-1].sequence <= after:
                raise Contradiction(
                    "the central server returned checkpoints that were not requested"
                )
            await asyncio.to_thread(self._save, checkpoints)
            last, after = None, checkpoints[-1].sequence
        if last:
            raise Contradiction(f"it now ends before entry {last.sequence}, which it had before")

    def _last(self) -> Checkpoint | None:
        try:
            with self._file.open("rb") as file:
                return _last_in(file)
        except FileNotFoundError:
            return None

    def _save(self, checkpoints: Sequence[Checkpoint]) -> None:
        # Another fast server may have saved some of them already.
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with disk_errors(), os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_torn_line(file)
            last = _last_in(file)
            new = [one for one in checkpoints if last is None or one.sequence > last.sequence]
            for one in checkpoints:
                _compare(one, last)
            if new:
                file.write(b"".join(one.model_dump_json().encode() + b"\n" for one in new))
                file.flush()
                os.fsync(file.fileno())


def _compare(now: Checkpoint, last: Checkpoint | None) -> None:
    if last is None:
        return
    if now.key != last.key:
        raise Contradiction("its checkpoints are signed with a different key")
    if now.sequence == last.sequence and (now.hash, now.end) != (last.hash, last.end):
        raise Contradiction(f"entry {now.sequence} is different from before")


def _last_in(file: BinaryIO) -> Checkpoint | None:
    # A crash may have left half a line after the last whole one.
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
