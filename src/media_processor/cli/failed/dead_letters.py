"""Lists the failed pictures with their reasons."""

import asyncio
import sys

from rich.table import Table

from media_processor.cli.options import connect
from media_processor.cli.output import cell, terminal
from media_processor.messages.media import MediaStatus


def show_failed(url: str, *, as_json: bool) -> int:
    media = asyncio.run(failed_media(url))
    if as_json:
        sys.stdout.write("".join(one.model_dump_json() + "\n" for one in media))
        return 1 if media else 0
    if not media:
        terminal().print("No picture has failed.")
        return 0
    table = Table("id", "picture", "failed at", "attempts", "reason", "detail", box=None)
    for one in media:
        table.add_row(*(cell(each) for each in _cells(one)))
    terminal().print(table)
    return 1


def _cells(media: MediaStatus) -> tuple[str, ...]:
    at = media.steps[-1].at.astimezone()
    attempts = " + ".join(str(count) for count in media.attempts.root.values())
    reason, detail = (media.error.code, media.error.detail) if media.error else ("unknown", "")
    if media.next_attempt_at:
        detail += f" Next automatic retry: {media.next_attempt_at.astimezone():%Y-%m-%d %H:%M:%S}."
    return media.id, media.filename, f"{at:%Y-%m-%d %H:%M:%S}", attempts, reason, detail


async def failed_media(url: str, reason: str | None = None) -> list[MediaStatus]:
    async with connect(url) as client:
        found = [media.details async for media in client.list(status="failed")]
    failed = [media for media in found if isinstance(media, MediaStatus)]
    return [
        media for media in failed if reason is None or (media.error and media.error.code == reason)
    ]
