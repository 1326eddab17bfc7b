"""``upload`` and ``status``: pictures to the fast server and what becomes of them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from media_processor.cli.finding import NONE_THERE, pictures_in
from media_processor.cli.output import cell, terminal
from media_processor.client import FastServer, open_fast_server
from media_processor.errors import MediaProcessorError, SetupError
from media_processor.messages import MediaStatus

# Enough to keep a gateway busy, few enough to keep every transfer fast.
AT_A_TIME = 4


@dataclass(frozen=True)
class Outcome:
    """What became of one file: ``detail`` is the id, or why it was refused."""

    path: Path
    status: str
    detail: str

    @property
    def is_good(self) -> bool:
        return self.status not in ("refused", "failed")


def upload_all(paths: list[Path], *, url: str, profile: str, wait: bool) -> int:
    """Upload, show a progress bar and a summary; the exit status."""
    files = [found.path for found in pictures_in(paths)]
    if not files:
        raise SetupError(NONE_THERE)
    console = Console(stderr=True)
    outcomes = asyncio.run(_upload_all(files, url, profile, wait, console))
    table = Table("picture", "status", "id or reason", box=None)
    for outcome in outcomes:
        colour = "green" if outcome.is_good else "red"
        table.add_row(cell(outcome.path), cell(outcome.status, colour), cell(outcome.detail))
    terminal().print(table)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


async def _upload_all(
    files: list[Path], url: str, profile: str, wait: bool, console: Console
) -> list[Outcome]:
    slots = asyncio.Semaphore(AT_A_TIME)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        bar = progress.add_task("waiting for the archive" if wait else "sending", total=len(files))

        async def one(server: FastServer, path: Path) -> Outcome:
            async with slots:
                outcome = await _upload(server, path, profile)
            if wait and outcome.is_good:
                outcome = await _stored(server, path, outcome.detail)
            progress.advance(bar)
            return outcome

        async with open_fast_server(url) as server:
            return list(await asyncio.gather(*(one(server, path) for path in files)))


async def _upload(server: FastServer, path: Path, profile: str) -> Outcome:
    try:
        accepted = await server.upload(path, profile)
    except MediaProcessorError as error:
        return Outcome(path, "refused", error.detail)
    except OSError as error:
        return Outcome(path, "refused", f"The file can't be read: {error.strerror}.")
    return Outcome(path, accepted.status, accepted.id)


async def _stored(server: FastServer, path: Path, media_id: str) -> Outcome:
    try:
        async for status in server.follow(media_id):
            if status.status == "failed" and status.error:
                return Outcome(path, "failed", f"{media_id}: {status.error.detail}")
            if status.status == "stored":
                return Outcome(path, "stored", media_id)
    except MediaProcessorError as error:
        return Outcome(path, "failed", f"{media_id}: {error.detail}")
    return Outcome(path, "failed", media_id)


def show_status(media_id: str, url: str) -> int:
    """Print one media; the exit status."""

    async def ask() -> MediaStatus:
        async with open_fast_server(url) as server:
            return await server.status(media_id)

    media = asyncio.run(ask())
    table = Table(show_header=False, box=None)
    table.add_row("picture", cell(media.filename))
    table.add_row("status", cell(media.status))
    table.add_row("size", cell(f"{media.width} × {media.height}, {media.size:,} bytes"))
    if media.error:
        table.add_row("error", cell(media.error.detail))
    if media.result:
        table.add_row("stored", cell(media.result.stored_path))
        table.add_row("method", cell(media.result.way or "unknown"))
        table.add_row("link", cell(media.result.link))
    for step in media.steps:
        who = f" by {step.worker}" if step.worker else ""
        why = f": {step.detail}" if step.detail else ""
        table.add_row(f"{step.at.astimezone():%H:%M:%S.%f}"[:-3], cell(f"{step.step}{who}{why}"))
    terminal().print(table)
    return 1 if media.status == "failed" else 0
