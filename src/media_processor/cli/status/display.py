"""Shows the status of a picture, once or live."""

import sys
from contextlib import aclosing

from rich.live import Live
from rich.table import Table

from media_processor.cli import interrupts
from media_processor.cli.options import connect
from media_processor.cli.output import BAD, GOOD, Troubles, cell, terminal
from media_processor.client import AsyncMedia
from media_processor.messages.media import MediaStatus

_PATIENCE = 30.0


def show_status(media_id: str, url: str, *, live: bool, as_json: bool) -> int:
    return interrupts.run(_show(media_id, url, live=live, as_json=as_json))


async def _show(media_id: str, url: str, *, live: bool, as_json: bool) -> int:
    patience = _PATIENCE if live else 0
    async with connect(url, patience=patience, on_wait=Troubles().report) as client:
        found = await client.media(media_id)
        media = await found.refresh()
        if live and as_json:
            media = await _as_lines(found, media, as_json=True)
        elif live:
            to_terminal = terminal().is_terminal
            media = await (_live if to_terminal else _as_lines)(found, media)
        elif as_json:
            sys.stdout.write(media.model_dump_json(indent=1) + "\n")
        else:
            terminal().print(table_of(media))
    return 1 if media.status == "failed" else 0


async def _live(found: AsyncMedia, media: MediaStatus) -> MediaStatus:
    with Live(table_of(media), console=terminal(), auto_refresh=False) as shown:
        async with aclosing(found.follow()) as changes:
            async for media in changes:
                shown.update(table_of(media), refresh=True)
    return media


async def _as_lines(found: AsyncMedia, media: MediaStatus, *, as_json: bool = False) -> MediaStatus:
    async with aclosing(found.follow()) as changes:
        async for media in changes:
            sys.stdout.write((media.model_dump_json() if as_json else _line(media)) + "\n")
            sys.stdout.flush()
    return media


def _line(media: MediaStatus) -> str:
    last = media.steps[-1] if media.steps else None
    at = f"{last.at.astimezone():%H:%M:%S} " if last else ""
    who = f" by {media.worker}" if media.worker else ""
    why = f": {media.error.detail}" if media.error else ""
    where = f": {media.result.stored_path}" if media.result else ""
    return str(cell(f"{at}{media.status}{who}{why}{where}"))


def table_of(media: MediaStatus) -> Table:
    table = Table(show_header=False, box=None)
    colours = {"stored": GOOD, "failed": BAD}
    table.add_row("picture", cell(media.filename))
    table.add_row("status", cell(media.status, colours.get(media.status, "")))
    table.add_row("size", cell(f"{media.width} × {media.height}, {media.size:,} bytes"))
    if media.error:
        table.add_row("error", cell(f"{media.error.detail} ({media.error.code})"))
    if media.result:
        table.add_row("stored", cell(media.result.stored_path))
        table.add_row("method", cell(media.result.way or "unknown"))
        for note in media.result.notes:
            table.add_row("note", cell(note))
        table.add_row("link", cell(media.result.link))
    for step in media.steps:
        who = f" by {step.worker}" if step.worker else ""
        why = f": {step.detail}" if step.detail else ""
        at = f"{step.at.astimezone():%H:%M:%S.%f}"[:-3]
        table.add_row(at, cell(f"{step.step}{who}{why}"))
    return table
