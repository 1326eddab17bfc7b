"""``worker_activity.log``: one line a stored picture, each written once, whole.

The catalogue fixes a line's offset before the line is written. So after a crash it is certain
whether a line is there, and a missing or torn one is written again at the same offset.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from media_processor.central_server.log_files import LogFiles, write_at
from media_processor.messages.archive import Activity

_MAX_TAIL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class LogLine:
    """A line with its line break, and its offset in bytes in the whole log."""

    offset: int
    text: str

    @property
    def end(self) -> int:
        return self.offset + len(self.text.encode())


def format_line(at: datetime, worker: str, image: str) -> str:
    """``[2026-01-15 14:30:45] WORKER: worker-1 | IMAGE: watermarked_photo.jpg`` and a newline.

    ``worker`` and ``image`` must come from filenames.safe_worker_name and safe_filename, ``at`` in
    local time.
    """
    return f"[{at:%Y-%m-%d %H:%M:%S}] WORKER: {worker} | IMAGE: {image}\n"


class ActivityLog:
    """The log's current file. One process writes it.

    ``base`` is the offset in the whole log at which this file begins, in bytes.
    """

    def __init__(self, path: Path, base: int = 0) -> None:
        self._path = path
        self.base = base
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def end(self) -> int:
        return self.base + self.file_bytes()

    def file_bytes(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def put(self, line: LogLine) -> None:
        """Write ``line`` durably at its offset, unless it is there.

        Raises:
            ValueError: lines before it are missing.
            StorageFull, StorageFailing: the line is not there; put it again.
        """
        end = self.end()
        if end >= line.end:
            return
        if end < line.offset:
            raise ValueError("lines before this one are missing from the activity log")
        # Overwrites the beginning of the line if a crash tore it.
        write_at(self._path, line.offset - self.base, line.text.encode())

    def last(self, count: int) -> list[Activity]:
        """Newest first, at most from the last two files."""
        files = LogFiles(self._path)
        lines = _tail(self._path)
        if len(lines) < count and (rotated := files.rotated()):
            lines = _tail(files.rotated_log(*rotated[-1])) + lines
        return [entry for line in lines[-count:][::-1] if (entry := _parse(line))]


def _tail(path: Path) -> list[str]:
    # Whole lines only.
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
