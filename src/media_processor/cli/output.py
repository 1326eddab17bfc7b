"""What commands print: tables, progress, complaints, amounts; unsafe text is escaped."""

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.text import Text

from media_processor.terminal import printable

if TYPE_CHECKING:  # commands that ask no server must not load the client
    from media_processor.client import Wait

GOOD, BAD, WARNING = "green", "red", "yellow"


def terminal() -> Console:
    # In a file or a pipe no line is folded.
    console = Console(emoji=False, highlight=False)
    return console if console.is_terminal else Console(width=1000, emoji=False, highlight=False)


def notes() -> Console:
    """Standard error, for progress and for the reasons to wait."""
    return Console(stderr=True, emoji=False, highlight=False)


def cell(text: object, style: str = "") -> Text:
    """Text from outside, safe in a table: no markup, and no power over the terminal."""
    return Text(printable(str(text)), style=style)


def complain(text: str) -> None:
    sys.stderr.write(f"media-processor: {printable(text)}\n")


class Troubles:
    """Reports why a client waits, each cause once until ``are_over``."""

    def __init__(self) -> None:
        self._reported: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._reported)

    def report(self, wait: "Wait") -> None:
        if wait.code not in self._reported:
            self._reported.add(wait.code)
            complain(f"waiting: {wait.reason}; trying again")

    def are_over(self) -> None:
        self._reported.clear()


def amount(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 or not size else f"{size / 1e3:,.1f} kB"


def count(number: int, one: str, many: str = "") -> str:
    """``1 picture``, ``2 pictures``; ``many`` if an s isn't all that differs."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def rate(amount: float, seconds: float) -> float:
    return amount / max(seconds, 1e-6)


def progress(*columns: ProgressColumn) -> Progress:
    """A bar on standard error, if that is a terminal; gone when it ends.

    What is written to standard output meanwhile goes there, unless it is the same terminal:
    then it goes above the bar.
    """
    console = notes()
    return Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),
    )
