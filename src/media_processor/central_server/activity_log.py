"""``worker_activity.log``: one line a stored picture, each written once, whole.

A line's place in the file is fixed in the catalogue before the line is written. So after
a crash it can be told for certain whether a line is there, and a missing or torn one is
written again at the same place.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from media_processor.central_server.log_files import Pieces, write_at
from media_processor.messages.archive import Activity

_MAX_TAIL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LogLine:
    """A line and the offset in bytes at which it stands."""

    offset: int
    text: str

    @property
    def end(self) -> int:
        return self.offset + len(self.text.encode())


def format_line(at: datetime, worker: str, image: str) -> str:
    """``[2026-01-15 14:30:45] WORKER: worker-1 | IMAGE: watermarked_photo.jpg`` and a newline.

    ``worker`` and ``image`` must have gone through messages.safe_worker_name and
    messages.safe_filename; ``at`` is shown as it is, so pass local time.
    """
    return f"[{at:%Y-%m-%d %H:%M:%S}] WORKER: {worker} | IMAGE: {image}\n"


class ActivityLog:
    """The log's current piece. One process writes it.

    ``base`` is where this piece begins in the log as a whole, in bytes.
    """

    def __init__(self, path: Path, base: int = 0) -> None:
        self._path = path
        self.base = base
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def end(self) -> int:
        """Where the log as a whole ends; where this piece begins if someone took it away."""
        return self.base + self.piece_bytes()

    def piece_bytes(self) -> int:
        """Bytes in this piece."""
        return self._path.stat().st_size if self._path.exists() else 0

    def put(self, line: LogLine) -> None:
        """See that ``line`` stands at its place, durably. Doing it twice does nothing.

        Raises:
            ValueError: the file is shorter than the place, so lines before are missing.
            StorageFull, StorageFailing: the next put of the same line writes it anew.
        """
        end = self.end()
        if end >= line.end:
            return
        if end < line.offset:
            raise ValueError("the activity log is shorter than the catalogue knows it")
        # Over its own beginning, if a crash tore it.
        write_at(self._path, line.offset - self.base, line.text.encode())

    def last(self, count: int) -> list[Activity]:
        """The last ``count`` lines, newest first; at most those of the last two pieces."""
        pieces = Pieces(self._path)
        lines = _tail(self._path)
        if len(lines) < count and (old := pieces.old()):
            lines = _tail(pieces.old_log(*old[-1])) + lines
        return [entry for line in lines[-count:][::-1] if (entry := _parse(line))]


def _tail(path: Path) -> list[str]:
    """The last whole lines of a file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = file.seek(max(0, size - _MAX_TAIL_BYTES))
            tail = file.read()
    except FileNotFoundError:
        return []
    return tail.decode(errors="replace").split("\n")[1 if start else 0 : -1]


def _parse(line: str) -> Activity | None:
    at, mark, rest = line.removeprefix("[").partition("] WORKER: ")
    worker, bar, image = rest.partition(" | IMAGE: ")
    return Activity(at=at, worker=worker, image=image) if mark and bar else None
