"""The files of the activity log and of its chain: appended to durably, completed, rotated.

Each consists of the current file and of rotated ones, whose names end with the sequence numbers
of their first and last entry. Offsets count through all of them.
"""

import errno
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from media_processor.central_server.chain import EVERY, ChainEntry, Signer, encode_checkpoint
from media_processor.storage.disk_errors import disk_errors

log = logging.getLogger(__name__)

_LONGEST_LINE = 4096


@dataclass(frozen=True)
class LogFiles:
    """The paths of a log and of its chain; ``log`` is the log's current file."""

    log: Path

    @property
    def chain(self) -> Path:
        return self.log.with_name(f"{self.log.name}.chain")

    def rotated(self) -> list[tuple[int, int]]:
        """First and last sequence number of every rotated file of the chain, in order."""
        pattern = re.compile(re.escape(self.chain.name) + r"\.(\d+)-(\d+)")
        matches = (pattern.fullmatch(path.name) for path in self.log.parent.iterdir())
        return sorted((int(match[1]), int(match[2])) for match in matches if match)

    def rotated_log(self, first: int, last: int) -> Path:
        return self.log.with_name(f"{self.log.name}.{first:09}-{last:09}")

    def rotated_chain(self, first: int, last: int) -> Path:
        return self.chain.with_name(f"{self.chain.name}.{first:09}-{last:09}")


class ChainFile:
    """The chain's current file. One process writes it.

    ``first`` is the sequence number of its first entry, ``last`` that of its last one, or
    ``first - 1`` if it is empty.
    """

    def __init__(self, files: LogFiles, signer: Signer) -> None:
        self._files = files
        self._path = files.chain
        self._signer = signer
        self._complete_rotation()
        self._resume()

    def _complete_rotation(self) -> None:
        # A crash may have come between the renaming of the chain and of the log.
        if self._path.exists():
            return  # the rotation was complete; a rotated log that is missing was removed later
        for first, last in self._files.rotated()[-1:]:
            log_file = self._files.rotated_log(first, last)
            if not log_file.exists() and self._files.log.exists():
                self._files.log.replace(log_file)

    def _resume(self) -> None:
        # What a crash left after the last whole entry is cut off.
        rotated = self._files.rotated()
        self.first = rotated[-1][1] + 1 if rotated else 1
        self.last = self.first - 1
        self._path.touch()
        with self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 2 * _LONGEST_LINE))
            start, tail = file.tell(), file.read()
            keep, self.last = _measure_whole(tail, self.last)
            self._end = start + keep if keep or not start else size
            if self._end < size:
                file.truncate(self._end)
        if start and not keep:
            log.error("❌ the end of %s is unreadable; rebuilding the file", self._path.name)
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            self._resume()

    def is_unchanged(self) -> bool:
        return self._path.exists() and self._path.stat().st_size == self._end

    def resume(self) -> None:
        log.error(
            "❌ another program changed %s; run 'media-processor audit verify'", self._path.name
        )
        self._complete_rotation()
        self._resume()

    def put(self, entry: ChainEntry) -> None:
        """Append the entry durably, unless it is there.

        Raises:
            ValueError: entries before it are missing.
            StorageFull, StorageFailing: the entry is not there; put it again.
        """
        if entry.sequence <= self.last:
            return
        if entry.sequence != self.last + 1:
            raise ValueError("entries before this one are missing from the chain")
        data = entry.encode()
        if entry.sequence % EVERY == 0:
            checkpoint = self._signer.checkpoint(entry.sequence, entry.hash, entry.end)
            data += encode_checkpoint(checkpoint)
        write_at(self._path, self._end, data)
        self._end += len(data)
        self.last = entry.sequence

    def rotate(self) -> None:
        # The chain first: _complete_rotation finishes the rest after a crash.
        first, last = self.first, self.last
        log_file = self._files.rotated_log(first, last)
        self._path.replace(self._files.rotated_chain(first, last))
        self._files.log.replace(log_file)
        self._files.log.touch()
        self._resume()
        log.info("🔄 log rotated: entries %d to %d are in %s", first, last, log_file.name)


def _measure_whole(tail: bytes, last: int) -> tuple[int, int]:
    """How many bytes of the tail are whole, and the sequence number of its last whole entry.

    An entry that needs a checkpoint after it and has none isn't whole.
    """
    keep = 0
    position = 0
    for line in tail.splitlines(keepends=True):
        position += len(line)
        entry = re.match(rb'\{"sequence":(\d+),', line)
        if not line.endswith(b"}\n"):
            continue
        if entry and int(entry[1]) % EVERY == 0:
            continue  # whole only with its checkpoint
        sequence = entry or re.match(rb'\{"checkpoint":(\d+),', line)
        if sequence:
            keep, last = position, int(sequence[1])
    return keep, last


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Write durably at ``offset``, where the file ends.

    After a failed write or sync the file is truncated to ``offset``: what is there is in doubt,
    so the next try must write it again rather than find it.
    """
    with disk_errors():
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            try:
                file.seek(offset)
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fdatasync(file.fileno())
            except OSError:
                file.truncate(offset)
                raise
