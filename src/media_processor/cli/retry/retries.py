"""Retries failed pictures: those named, those with one reason, or all."""

import asyncio

from media_processor.cli.failed.dead_letters import failed_media
from media_processor.cli.options import WrongUsage, connect
from media_processor.cli.output import complain, count, terminal
from media_processor.client import AsyncClient
from media_processor.errors import MediaProcessorError, ServerUnreachable
from media_processor.pipeline.policy import REASONS


def retry_failed(url: str, media_ids: list[str], *, everything: bool, reason: str | None) -> int:
    if bool(media_ids) + everything + (reason is not None) != 1:
        raise WrongUsage(
            "Choose the pictures to retry by id, --all or --reason REASON. "
            "media-processor failed lists them."
        )
    if reason is not None and reason not in REASONS:
        raise WrongUsage(f"Unknown reason {reason!r}. Reasons: {', '.join(REASONS)}.")
    return asyncio.run(_retry(url, media_ids, reason))


async def _retry(url: str, media_ids: list[str], reason: str | None) -> int:
    media_ids = media_ids or [media.id for media in await failed_media(url, reason)]
    if not media_ids:
        terminal().print("No picture has failed" + (f" for {reason}." if reason else "."))
        return 0
    async with connect(url) as client:
        outcomes = [await _retry_one(client, media_id) for media_id in media_ids]
    terminal().print(f"Retrying {sum(outcomes)} of {count(len(outcomes), 'picture')}.")
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
