"""Lists the pictures that the fast server knows, or those in the archive."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, get_args

from rich.table import Table

from media_processor.cli import interrupts
from media_processor.cli.options import WrongUsage, connect
from media_processor.cli.output import amount, cell, complain, terminal
from media_processor.client import AsyncClient
from media_processor.messages.archive import ArchiveSort, StoredMedia
from media_processor.messages.base import Message
from media_processor.messages.media import MediaStatus, Status

M = TypeVar("M", bound=Message)

_STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Search:
    """Filters and order for the archive."""

    name: str | None = None
    worker: str | None = None
    since: str | None = None
    until: str | None = None
    sort: ArchiveSort = "newest"


def list_media(url: str, status: str | None, *, limit: int, as_json: bool) -> int:
    wanted = next((known for known in _STATUSES if known == status), None)
    if status is not None and wanted is None:
        raise WrongUsage(f"Unknown status {status!r}. Statuses: {', '.join(_STATUSES)}.")

    async def run() -> int:
        async with connect(url) as client:
            table = Table("id", "picture", "status", "size", "last step", "worker", box=None)
            return await _print(_details(client, wanted), table, _media, limit, as_json=as_json)

    return interrupts.run(run())


def list_archive(url: str, search: Search, *, limit: int, as_json: bool) -> int:
    for option, day in (("--since", search.since), ("--until", search.until)):
        if day and not _is_day(day):
            raise WrongUsage(f"{option} {day} isn't a date. Write it as 2026-01-31.")

    async def run() -> int:
        async with connect(url) as client:
            found = client.archive(
                name=search.name,
                worker=search.worker,
                since=search.since,
                until=search.until,
                sort=search.sort,
            )
            table = Table("id", "picture", "size", "stored at", "worker", box=None)
            return await _print(found, table, _stored, limit, as_json=as_json)

    return interrupts.run(run())


def _is_day(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


async def _details(client: AsyncClient, status: Status | None) -> AsyncGenerator[MediaStatus]:
    async with aclosing(client.list(status=status)) as media:
        async for one in media:
            if isinstance(one.details, MediaStatus):
                yield one.details


async def _print(
    found: AsyncGenerator[M],
    table: Table,
    cells: Callable[[M], tuple[str, ...]],
    limit: int,
    *,
    as_json: bool,
) -> int:
    count = 0
    async with aclosing(found) as each:
        async for one in each:
            if limit and count == limit:
                complain("There are more. To list them all, add --limit 0.")
                break
            count += 1
            if as_json:
                sys.stdout.write(one.model_dump_json() + "\n")
            else:
                table.add_row(*(cell(text) for text in cells(one)))
    if count and not as_json:
        terminal().print(table)
    if not count:
        complain("No pictures found.")
    return 0


def _media(one: MediaStatus) -> tuple[str, ...]:
    at = f"{one.steps[-1].at.astimezone():%Y-%m-%d %H:%M:%S}" if one.steps else ""
    return one.id, one.filename, one.status, amount(one.size), at, one.worker or ""


def _stored(one: StoredMedia) -> tuple[str, ...]:
    at = f"{one.stored_at.astimezone():%Y-%m-%d %H:%M:%S}"
    return one.media_id, one.filename, amount(one.size), at, one.worker_name
