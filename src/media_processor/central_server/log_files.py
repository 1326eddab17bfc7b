"""The activity log and its chain as files: written in step, completed, rotated.

Both are made of pieces: the current one, and older ones with the sequence numbers of their
first and last entry behind their name. Offsets count through all of them.
"""

import errno
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from media_processor.central_server.chain import EVERY, ChainEntry, Signer, encoded_checkpoint
from media_processor.storage.disk_errors import disk_errors

log = logging.getLogger(__name__)

_LONGEST_LINE = 4096


@dataclass(frozen=True)
class Pieces:
    """Where the pieces of a log and of its chain are."""

    log: Path

    @property
    def chain(self) -> Path:
        """The current piece of the chain."""
        return self.log.with_name(f"{self.log.name}.chain")

    def old(self) -> list[tuple[int, int]]:
        """First and last sequence number of every older piece of the chain, in order."""
        pattern = re.compile(re.escape(self.chain.name) + r"\.(\d+)-(\d+)")
        found = (pattern.fullmatch(path.name) for path in self.log.parent.iterdir())
        return sorted((int(match[1]), int(match[2])) for match in found if match)

    def old_log(self, first: int, last: int) -> Path:
        """An older piece of the log."""
        return self.log.with_name(f"{self.log.name}.{first:09}-{last:09}")

    def old_chain(self, first: int, last: int) -> Path:
        """An older piece of the chain."""
        return self.chain.with_name(f"{self.chain.name}.{first:09}-{last:09}")


class Chain:
    """The chain's current piece. One process writes it."""

    def __init__(self, pieces: Pieces, signer: Signer) -> None:
        self._pieces = pieces
        self._path = pieces.chain
        self._signer = signer
        self._complete_rotation()
        self._resume()

    def _complete_rotation(self) -> None:
        """A crash may have come between the renames of the chain's and the log's piece."""
        if self._path.exists():
            return  # it came later, and an old piece of the log was taken away by somebody
        for first, last in self._pieces.old()[-1:]:
            piece = self._pieces.old_log(first, last)
            if not piece.exists() and self._pieces.log.exists():
                self._pieces.log.replace(piece)

    def _resume(self) -> None:
        """Find the last whole entry and cut off what a crash left behind it."""
        old = self._pieces.old()
        self.first = old[-1][1] + 1 if old else 1
        self.last = self.first - 1
        self._path.touch()
        with self._path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 2 * _LONGEST_LINE))
            start, tail = file.tell(), file.read()
            keep, self.last = _whole(tail, self.last)
            self._end = start + keep if keep or not start else size
            if self._end < size:
                file.truncate(self._end)
        if start and not keep:
            log.error("❌ the end of %s can't be read; it is written anew", self._path.name)
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            self._resume()

    def is_as_left(self) -> bool:
        """Whether nobody has changed the file's length since we wrote it."""
        return self._path.exists() and self._path.stat().st_size == self._end

    def resume(self) -> None:
        """Look at the file anew, after somebody took from it or added to it."""
        log.error("❌ %s was changed by somebody else; run 'audit verify'", self._path.name)
        self._complete_rotation()
        self._resume()

    def put(self, entry: ChainEntry) -> None:
        """Add the entry, durably, if it is the next one; an earlier one is there already.

        Raises:
            ValueError: entries before it are missing.
            StorageFull, StorageFailing: the next put of the same entry writes it anew.
        """
        if entry.sequence <= self.last:
            return
        if entry.sequence != self.last + 1:
            raise ValueError("the chain is shorter than the catalogue knows it")
        data = entry.encoded()
        if entry.sequence % EVERY == 0:
            checkpoint = self._signer.checkpoint(entry.sequence, entry.hash, entry.end)
            data += encoded_checkpoint(checkpoint)
        write_at(self._path, self._end, data)
        self._end += len(data)
        self.last = entry.sequence

    def rotate(self) -> None:
        """Make the current pieces old ones, the chain's first."""
        first, last = self.first, self.last
        self._path.replace(self._pieces.old_chain(first, last))
        self._pieces.log.replace(self._pieces.old_log(first, last))
        self._pieces.log.touch()
        self._resume()
        log.info("🔄 the log's entries %d to %d are in a piece of their own", first, last)


def _whole(tail: bytes, last: int) -> tuple[int, int]:
    """How much of the tail is whole, and the sequence number of the last whole entry in it.

    An entry that should have a checkpoint behind it and has none isn't whole.
    """
    keep = 0
    position = 0
    for line in tail.splitlines(keepends=True):
        position += len(line)
        entry = re.match(rb'\{"sequence":(\d+),', line)
        if not line.endswith(b"}\n"):
            continue
        if entry and int(entry[1]) % EVERY == 0:
            continue  # until its checkpoint is seen
        sequence = entry or re.match(rb'\{"checkpoint":(\d+),', line)
        if sequence:
            keep, last = position, int(sequence[1])
    return keep, last


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Write at the file's end ``offset``, durably.

    What a failed write or sync leaves is in doubt: it is cut off, so that the next try
    writes it anew instead of finding it there.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    with disk_errors(), os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            file.seek(offset)
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(file.fileno())
        except OSError:
            file.truncate(offset)
            raise
