"""The progress bar of ``upload``: pictures, bytes, rate, time left, and what it waits for."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from media_processor.cli.output import WARNING, cell, progress
from media_processor.client import Wait

# The same cause of waiting is shown again after so many seconds.
_REMIND_SECONDS = 30.0


class UploadBar:
    """A bar on a terminal. Why it waits is shown without a terminal too."""

    def __init__(self, files: list[Path]) -> None:
        self._sizes = {path: _size(path) for path in files}
        self._sent: dict[Path, int] = {}
        self._done, self._moved = 0, 0
        self._total = sum(self._sizes.values())
        self._shown: dict[str, float] = {}
        self._progress = progress(
            TextColumn("{task.description} {task.fields[done]}/{task.fields[count]}"),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._task = self._progress.add_task("sending", total=self._total, done=0, count=len(files))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def moved(self, path: Path, sent: int) -> None:
        """``sent`` bytes of the picture were handed to the network, in this attempt."""
        sent = min(sent, self._sizes[path])
        self._moved += sent - self._sent.get(path, 0)
        self._sent[path] = sent
        self._progress.update(self._task, completed=self._moved)

    def accepted(self, path: Path, *, was_sent: bool) -> None:
        # What the server had before counts neither as work nor as speed.
        self._shown.clear()
        if was_sent:
            self.moved(path, self._sizes[path])
        else:
            self._total -= self._sizes[path]
        self._progress.update(self._task, total=self._total, description="sending")

    def ended(self) -> None:
        self._done += 1
        self._progress.update(self._task, done=self._done)

    def all_sent(self) -> None:
        self._progress.update(self._task, description="waiting for the archive")

    def waits(self, wait: Wait) -> None:
        self._progress.update(self._task, description="waiting")
        now = time.monotonic()
        if now - self._shown.get(wait.code, -_REMIND_SECONDS) >= _REMIND_SECONDS:
            self._shown[wait.code] = now
            line = f"media-processor: waiting: {wait.reason}; trying again"
            self._progress.console.print(cell(line, WARNING))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
