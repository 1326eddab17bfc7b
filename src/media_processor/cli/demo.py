"""What ``make demo`` shows: pictures on their way, live, then where they ended up."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from rich.live import Live
from rich.table import Table
from rich.text import Text

from media_processor.cli.finding import pictures_in
from media_processor.cli.output import cell, terminal
from media_processor.cli.uploads import AT_A_TIME
from media_processor.client import FastServer, activity, open_fast_server
from media_processor.errors import MediaProcessorError
from media_processor.up.main import Addresses

_SIGNS = {
    "sending": "📤",
    "queued": "📥",
    "watermarking": "🎨",
    "uploading": "🚀",
    "retrying": "🔁",
    "stored": "📦",
    "failed": "❌",
    "refused": "❌",
}


@dataclass
class _Row:
    path: Path
    status: str = "sending"
    media_id: str = ""
    milliseconds: float | None = None
    stored: str = ""
    log_line: str = ""


async def show(addresses: Addresses, folder: Path) -> None:
    """Upload the pictures of ``folder`` and print what became of each."""
    console = terminal()
    rows = [_Row(found.path) for found in pictures_in([folder])]
    slots = asyncio.Semaphore(AT_A_TIME)
    with Live(_progress(rows), console=console, refresh_per_second=12, transient=True) as live:
        async with open_fast_server(addresses.fast_server) as server:
            await asyncio.gather(*(_follow(server, row, rows, live, slots) for row in rows))
    await _add_log_lines(rows, addresses.central_server)
    console.print(_summary(rows))


async def _follow(
    server: FastServer, row: _Row, rows: list[_Row], live: Live, slots: asyncio.Semaphore
) -> None:
    try:
        async with slots:
            started = time.perf_counter()
            accepted = await server.upload(row.path, "default")
        row.media_id = accepted.id
        async for media in server.follow(accepted.id):
            row.status = media.status
            if media.error:
                row.stored = media.error.detail
            if media.result:
                row.milliseconds = (time.perf_counter() - started) * 1000
                row.stored = media.result.stored_path
            live.update(_progress(rows))
    except (MediaProcessorError, OSError) as error:
        row.status, row.stored = "refused", str(error)
    live.update(_progress(rows))


async def _add_log_lines(rows: list[_Row], central_url: str) -> None:
    lines = (await activity(central_url, limit=1000)).lines
    for row in rows:
        image = Path(row.stored).name
        line = next((line for line in lines if line.image == image), None)
        if line and row.milliseconds is not None:
            row.log_line = f"[{line.at}] WORKER: {line.worker} | IMAGE: {line.image}"


def _progress(rows: list[_Row]) -> Table:
    table = Table("", "picture", "status", box=None)
    for row in rows:
        table.add_row(_SIGNS[row.status], cell(row.path.name), row.status)
    return table


def _summary(rows: list[_Row]) -> Table:
    table = Table("picture", "ms", "id, stored path, log line", show_lines=True)
    for row in rows:
        took = f"{row.milliseconds:.0f}" if row.milliseconds is not None else row.status
        where = [cell(line) for line in (row.media_id, row.stored, row.log_line) if line]
        table.add_row(cell(row.path.name), took, Text("\n").join(where))
    return table
