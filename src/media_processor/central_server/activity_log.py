"""``worker_activity.log``: one line a stored picture, each written once, whole.

A line's place in the file is fixed in the catalogue before the line is written. So after
a crash it can be told for certain whether a line is there, and a missing or torn one is
written again at the same place.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from media_processor.messages import Activity
from media_processor.storage.local import telling_disk_faults

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
    """The log file. One process writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def size(self) -> int:
        """Bytes in the file; none if someone took it away."""
        return self._path.stat().st_size if self._path.exists() else 0

    def put(self, line: LogLine) -> None:
        """See that ``line`` stands at its place, durably. Doing it twice does nothing.

        Raises:
            ValueError: the file is shorter than the place, so lines before are missing.
            StorageFull: the next put of the same line completes it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        with telling_disk_faults(), os.fdopen(descriptor, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size >= line.end:
                return
            if size < line.offset:
                raise ValueError("the activity log is shorter than the catalogue knows it")
            file.seek(line.offset)  # over its own beginning, if a crash tore it
            file.write(line.text.encode())
            file.flush()
            os.fdatasync(file.fileno())

    def last(self, count: int) -> list[Activity]:
        """The last ``count`` lines, newest first."""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, size - _MAX_TAIL_BYTES))
            tail = file.read()
        lines = tail.decode(errors="replace").split("\n")
        whole = lines[1 if start else 0 : -1]
        return [entry for line in whole[-count:][::-1] if (entry := _parse(line))]


def _parse(line: str) -> Activity | None:
    at, mark, rest = line.removeprefix("[").partition("] WORKER: ")
    worker, bar, image = rest.partition(" | IMAGE: ")
    return Activity(at=at, worker=worker, image=image) if mark and bar else None
