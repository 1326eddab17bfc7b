"""Stage 1: a picture process watermarks the original, the result is kept in the spool."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from media_processor.errors import SpoolDamaged
from media_processor.pipeline.digest import digest
from media_processor.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from media_processor.messages.media import MediaRecord
    from media_processor.pipeline.stage import Resources
    from media_processor.work.media import Media
    from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

NAME = "watermark"


async def watermark(resources: Resources, media: Media) -> Mapping[str, object]:
    record, spool = media.record, resources.spool
    if not await asyncio.to_thread(_begin, resources, media):
        return {}  # an earlier attempt got this far
    await _simulate_latency(resources.settings.simulated_latency)
    with spool.storage.incoming() as target:
        async with _original(spool, record) as source:
            result = await resources.sandbox.watermark(
                await resources.tasks.build(source, target.path, record.profile, _tokens(record))
            )
        await asyncio.to_thread(
            spool.keep_watermark, record.id, target, result, resources.worker, attempted=NAME
        )
    log.info("✅ %s watermarked, %d bytes, %s", record.id, result.size, result.way)
    return {}


def _begin(resources: Resources, media: Media) -> bool:
    if resources.spool.is_watermarked(media):
        return False
    log.info("🎨 %s watermarking %s", media.record.id, media.record.filename)
    resources.spool.note(
        media.record.id,
        "watermarking",
        worker=resources.worker,
        status="watermarking",
        next_attempt_at=None,
    )
    return True


@asynccontextmanager
async def _original(spool: Spool, record: MediaRecord) -> AsyncIterator[Path]:
    async with AsyncExitStack() as stack:
        try:
            original = await stack.enter_async_context(in_thread(spool.local_original(record)))
        except FileNotFoundError:
            raise SpoolDamaged(
                "The original is missing from the spool. Send the picture again."
            ) from None
        if await asyncio.to_thread(digest, original) != record.sha256:
            raise SpoolDamaged(
                "The original in the spool has changed since it was accepted. Send it again."
            )
        yield original


async def _simulate_latency(span: tuple[float, float] | None) -> None:
    if span:
        seconds = random.uniform(*span)  # noqa: S311 - not a secret
        log.info("😴 simulating %.1f s of work", seconds)
        await asyncio.sleep(seconds)


def _tokens(record: MediaRecord) -> dict[str, str]:
    date = f"{record.accepted_at:%Y-%m-%d}"
    return {"filename": record.filename, "date": date, "id": record.id}
