"""The demo of ``up --demo``: uploads pictures, shows their progress, then where each is."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from rich.live import Live
from rich.table import Table
from rich.text import Text

from media_processor.cli.file_selection import pictures_in
from media_processor.cli.options import connect
from media_processor.cli.output import cell, terminal
from media_processor.cli.upload.uploads import AT_A_TIME
from media_processor.client import AsyncClient
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
    console = terminal()
    rows = [_Row(found.path) for found in pictures_in([folder])]
    slots = asyncio.Semaphore(AT_A_TIME)
    with Live(_progress(rows), console=console, refresh_per_second=12, transient=True) as live:
        async with connect(addresses.fast_server, patience=30) as client:
            await asyncio.gather(*(_follow(client, row, rows, live, slots) for row in rows))
    _add_log_lines(rows, addresses.data / "worker_activity.log")
    console.print(_summary(rows))


async def _follow(
    client: AsyncClient, row: _Row, rows: list[_Row], live: Live, slots: asyncio.Semaphore
) -> None:
    try:
        async with slots:
            started = time.perf_counter()
            accepted = await client.upload(row.path)
        row.media_id = accepted.id
        async for media in accepted.follow():
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


def _add_log_lines(rows: list[_Row], log: Path) -> None:
    lines = log.read_text().splitlines()
    for row in rows:
        end = f"| IMAGE: {Path(row.stored).name}"
        if row.milliseconds is not None:
            row.log_line = next((line for line in reversed(lines) if line.endswith(end)), "")


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
