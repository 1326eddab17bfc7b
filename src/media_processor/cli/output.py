"""What commands print: tables, progress, complaints, amounts; unsafe text is escaped."""

import sys

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.text import Text

from media_processor.terminal import printable

GOOD, BAD, WARNING = "green", "red", "yellow"


def terminal() -> Console:
    """Standard output; into a file or a pipe no line is folded."""
    console = Console(emoji=False, highlight=False)
    return console if console.is_terminal else Console(width=1000, emoji=False, highlight=False)


def notes() -> Console:
    """Standard error, for what goes by: progress, and why it waits."""
    return Console(stderr=True, emoji=False, highlight=False)


def cell(text: object, style: str = "") -> Text:
    """``text`` as it is, in a table: no markup, and no power over the terminal."""
    return Text(printable(str(text)), style=style)


def complain(text: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"media-processor: {printable(text)}\n")


class Troubles:
    """Tells of each trouble once, until it is over."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._told)

    def tell(self, sentence: str) -> None:
        """What a client says each time it waits; the trouble stands before the semicolon."""
        trouble = sentence.partition(";")[0]
        if trouble not in self._told:
            self._told.add(trouble)
            complain(f"waiting: {trouble}; trying again")

    def are_over(self) -> None:
        self._told.clear()


def amount(size: float) -> str:
    """``12.3 MB``, or ``45.6 kB`` of what is small."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 or not size else f"{size / 1e3:,.1f} kB"


def rate(amount: float, seconds: float) -> float:
    """How much a second, also where the clock saw nothing pass."""
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
