"""Shows the queues and the workers, once or live."""

import asyncio
import sys
from typing import NoReturn

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from media_processor.cli import interrupts
from media_processor.cli.options import connect
from media_processor.cli.output import BAD, cell, complain, terminal
from media_processor.client import AsyncClient
from media_processor.errors import MediaProcessorError
from media_processor.messages.fast_server import QueueReport

_LOOK_SECONDS = 1.0


def show_queue(url: str, *, live: bool, as_json: bool) -> int:
    async def run() -> int:
        async with connect(url) as client:
            report = await client.queue()
            if live:
                await _follow(client, report, as_json=as_json)
            else:
                _print(report, as_json=as_json)
        return 0

    return interrupts.run(run())


async def _follow(client: AsyncClient, report: QueueReport, *, as_json: bool) -> NoReturn:
    console = terminal()
    if not console.is_terminal or as_json:
        await _follow_in_lines(client, report, as_json=as_json)
    with Live(tables_of(report), console=console, auto_refresh=False) as shown:
        while True:
            shown.update(tables_of(report), refresh=True)
            await asyncio.sleep(_LOOK_SECONDS)
            report = await _ask_until_answered(client)


async def _follow_in_lines(client: AsyncClient, report: QueueReport, *, as_json: bool) -> NoReturn:
    # Age and rate change all the time, and aren't news.
    last = None
    while True:
        news = report.model_copy(update={"oldest_age_seconds": None, "drain_per_second": None})
        if news != last:
            _print(report, as_json=as_json, short=True)
        last = news
        await asyncio.sleep(_LOOK_SECONDS)
        report = await _ask_until_answered(client)


async def _ask_until_answered(client: AsyncClient) -> QueueReport:
    complained = False
    while True:
        try:
            return await client.queue()
        except MediaProcessorError as error:
            if not complained:
                complain(f"waiting: {error.detail}")
            complained = True
            await asyncio.sleep(_LOOK_SECONDS)


def _print(report: QueueReport, *, as_json: bool, short: bool = False) -> None:
    if as_json:
        sys.stdout.write(report.model_dump_json(indent=None if short else 1) + "\n")
    else:
        terminal().print(tables_of(report))
    sys.stdout.flush()


def tables_of(report: QueueReport) -> Group:
    parts: list[Table | Text] = [cell(one.detail, BAD) for one in report.problems.values()]
    if report.queues is None or report.workers is None:
        parts.append(cell("Redis can't be reached; these numbers come from the spool.", BAD))
    else:
        queues = Table("queue", "waiting", "running", "retrying", box=None)
        for name, depth in report.queues.items():
            numbers = (depth.waiting, depth.running, depth.retrying)
            queues.add_row(cell(name), *(str(number) for number in numbers))
        workers = Table("worker", "stage", "since", "running", "working on", box=None)
        for one in report.workers:
            since = f"{one.started_at.astimezone():%Y-%m-%d %H:%M:%S}"
            doing = cell(" ".join(one.doing))
            workers.add_row(cell(one.name), one.stage, since, str(one.running), doing)
        parts += [queues, Text()]
        if report.workers:
            parts += [workers, Text()]
    return Group(*parts, cell(_total(report)))


def _total(report: QueueReport) -> str:
    limit = f" of {report.limit:,}" if report.limit else ""
    parts = [f"unfinished {report.unfinished:,}{limit}"]
    if report.oldest_age_seconds is not None:
        parts.append(f"oldest {report.oldest_age_seconds:,.0f} s")
    if report.drain_per_second is not None:
        parts.append(f"{report.drain_per_second:.1f} pictures/s")
    parts.append(f"failed {report.failed:,} (parked {report.parked:,})")
    if report.accepting:
        parts.append("uploads are accepted")
    else:
        parts.append(f"uploads are refused; retry in {report.retry_after_seconds} s")
    return ", ".join(parts)
