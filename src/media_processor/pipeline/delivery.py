"""Stage 2: the watermarked picture is sent to the central server, whose receipt is kept."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING

from media_processor.crash_points import crash_point
from media_processor.errors import CentralUnavailable, DigestMismatch
from media_processor.filenames import watermarked_filename
from media_processor.pipeline.stage import StartOver
from media_processor.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from media_processor.messages.media import Receipt, WatermarkResult
    from media_processor.pipeline.stage import Resources
    from media_processor.work.media import Media

log = logging.getLogger(__name__)

NAME = "upload"


async def deliver(resources: Resources, media: Media) -> Mapping[str, object]:
    receipt = media.progress.receipt  # set if a crash came between receipt and closing
    if receipt is None:
        made = await asyncio.to_thread(_begin, resources, media)
        async with in_thread(resources.spool.local_watermark(media.record.id)) as picture:
            receipt = await _send(resources, media, picture, made)
        crash_point("receipt-received")
        log.info("📦 %s stored as %s", media.record.id, receipt.stored_path)
    return {"receipt": receipt}


def _begin(resources: Resources, media: Media) -> WatermarkResult:
    made = media.progress.watermarked
    if made is None or not resources.spool.is_watermarked(media):
        raise StartOver
    attempt = media.progress.attempts[NAME] + 1
    log.info("🚀 %s uploading, attempt %d", media.record.id, attempt)
    resources.spool.note(
        media.record.id,
        "uploading",
        worker=resources.worker,
        status="uploading",
        next_attempt_at=None,
    )
    return made


async def _send(
    resources: Resources, media: Media, picture: Path, made: WatermarkResult
) -> Receipt:
    # Here, as commands import the stages only for their names.
    from media_processor.messages.archive import DeliveryFields

    media_id = media.record.id
    fields = DeliveryFields(
        worker_name=resources.worker,
        owner=media.record.owner,
        media_id=media_id,
        sha256=made.sha256,
    )
    name = watermarked_filename(media.record.filename, made.extension)
    try:
        receipt = await resources.central.deliver(picture, name, made.content_type, fields)
    except DigestMismatch as error:
        if await asyncio.to_thread(_digest, picture) != made.sha256:
            # The damage is ours: stage 1 makes it again before the next attempt.
            await asyncio.to_thread(resources.spool.drop_watermark, media_id)
        raise CentralUnavailable(error.detail) from None
    if receipt.sha256 != made.sha256:
        raise CentralUnavailable("The central server's receipt is for other bytes.")
    return receipt


def _digest(picture: Path) -> str:
    with picture.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
