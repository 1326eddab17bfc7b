"""``failed`` and ``retry``: pictures that came to nothing, and another try for them."""

import asyncio
import sys

from rich.table import Table

from media_processor.cli.output import cell, complain, terminal
from media_processor.client import AsyncClient
from media_processor.errors import MediaProcessorError, ServerUnreachable, SetupError
from media_processor.messages.media import MediaStatus
from media_processor.pipeline.policy import REASONS


def show_failed(url: str, *, as_json: bool) -> int:
    """Print every failed media; the exit status."""
    media = asyncio.run(_failed(url, None))
    if as_json:
        sys.stdout.write("".join(one.model_dump_json() + "\n" for one in media))
        return 1 if media else 0
    if not media:
        terminal().print("No picture has failed.")
        return 0
    table = Table("id", "picture", "failed at", "attempts", "reason", "what happened", box=None)
    for one in media:
        table.add_row(*(cell(each) for each in _cells(one)))
    terminal().print(table)
    return 1


def _cells(media: MediaStatus) -> tuple[str, ...]:
    at = media.steps[-1].at.astimezone()
    attempts = " + ".join(str(count) for count in media.attempts.root.values())
    reason, detail = (media.error.code, media.error.detail) if media.error else ("unknown", "")
    if media.next_attempt_at:
        detail += f" Tried again by {media.next_attempt_at.astimezone():%Y-%m-%d %H:%M:%S}."
    return media.id, media.filename, f"{at:%Y-%m-%d %H:%M:%S}", attempts, reason, detail


def retry_failed(url: str, media_ids: list[str], *, everything: bool, reason: str | None) -> int:
    """Retry the media that are named in one of the three ways; the exit status.

    Raises:
        SetupError: none or several of the ways, or a reason that doesn't exist.
    """
    if bool(media_ids) + everything + (reason is not None) != 1:
        raise SetupError("Say which: ids, --all, or --reason REASON. 'failed' lists them.")
    if reason is not None and reason not in REASONS:
        raise SetupError(f"There is no reason {reason!r}. There are: {', '.join(REASONS)}.")
    return asyncio.run(_retry(url, media_ids, reason))


async def _failed(url: str, reason: str | None) -> list[MediaStatus]:
    async with AsyncClient(url, patience=0) as client:
        found = [media.details async for media in client.list(status="failed")]
    failed = [media for media in found if isinstance(media, MediaStatus)]
    return [
        media for media in failed if reason is None or (media.error and media.error.code == reason)
    ]


async def _retry(url: str, media_ids: list[str], reason: str | None) -> int:
    media_ids = media_ids or [media.id for media in await _failed(url, reason)]
    if not media_ids:
        terminal().print("No picture has failed" + (f" for {reason}." if reason else "."))
        return 0
    async with AsyncClient(url, patience=0) as client:
        outcomes = [await _retry_one(client, media_id) for media_id in media_ids]
    terminal().print(f"{sum(outcomes)} of {len(outcomes)} pictures are tried again.")
    return 0 if all(outcomes) else 1


async def _retry_one(client: AsyncClient, media_id: str) -> bool:
    try:
        await (await client.media(media_id)).retry()
    except ServerUnreachable:
        raise
    except MediaProcessorError as error:
        complain(f"{media_id}: {error.detail}")
        return False
    return True
