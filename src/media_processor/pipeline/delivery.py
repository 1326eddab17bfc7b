"""Stage 2: the watermarked picture is sent to the central server, whose receipt is kept."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from media_processor.crash_points import crash_point
from media_processor.errors import (
    CentralRefused,
    CentralUnavailable,
    DigestMismatch,
    MediaConflict,
)
from media_processor.filenames import watermarked_filename
from media_processor.pipeline.digest import digest
from media_processor.pipeline.stage import StartOver
from media_processor.threads import in_thread

# Messages with pydantic are imported where they are used, as commands import the stages only for
# their names.
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from media_processor.messages.archive import StoredMedia
    from media_processor.messages.media import MediaRecord, Receipt, WatermarkResult
    from media_processor.pipeline.stage import Resources
    from media_processor.work.media import Media

log = logging.getLogger(__name__)

NAME = "upload"

EARLIER = "An earlier watermarked version of this picture is in the archive."


async def deliver(resources: Resources, media: Media) -> Mapping[str, object]:
    if media.progress.receipt:  # a crash came between the receipt and closing
        return {"receipt": media.progress.receipt}
    made = await asyncio.to_thread(_begin, resources, media)
    # An attempt whose answer was lost may have stored the picture: asking costs less than sending.
    tried = any(step.step == "uploading" for step in media.progress.steps)
    if tried and (row := await _archived(resources, media)):
        return _result(media, made, row)
    try:
        async with in_thread(resources.spool.local_watermark(media.record.id)) as picture:
            receipt = await _send(resources, media, picture, made)
    except MediaConflict as error:
        # Stage 1 ran again, perhaps with another logo, as a power cut lost what it had done.
        if row := await _archived(resources, media):
            return _result(media, made, row)
        raise CentralRefused(error.detail) from None
    crash_point("receipt-received")
    log.info("📦 %s stored as %s", media.record.id, receipt.stored_path)
    return {"receipt": receipt, **_about_original(made, receipt)}


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


def _about_original(made: WatermarkResult, receipt: Receipt) -> Mapping[str, object]:
    # Found by its digest: a mark of ours in the file would change more than the logo's pixels.
    if receipt.original_is is None:
        return {}
    note = f"the picture that was sent came from here: it is {receipt.original_is} of the archive"
    return {"watermarked": replace(made, notes=(*made.notes, note))}


async def _archived(resources: Resources, media: Media) -> StoredMedia | None:
    """The archive's row of this media, unless it is somebody else's."""
    row = await resources.central.look_up(media.record.id)
    return row if row and row.owner == media.record.owner else None


def _result(media: Media, made: WatermarkResult, row: StoredMedia) -> Mapping[str, object]:
    if row.sha256 == made.sha256:
        log.info("📦 %s was already stored as %s", row.media_id, row.stored_path)
        return {"receipt": row.receipt}
    log.warning("📦 %s: an earlier version is stored as %s", row.media_id, row.stored_path)
    return {"receipt": row.receipt, "watermarked": _as_archived(media.record, row)}


def _as_archived(record: MediaRecord, row: StoredMedia) -> WatermarkResult:
    """What the archive knows of a picture that an earlier run of stage 1 made."""
    from media_processor.messages.media import WatermarkResult

    same = row.content_type == record.content_type
    return WatermarkResult(
        content_type=row.content_type,
        sha256=row.sha256,
        size=row.size,
        width=record.width,
        height=record.height,
        method="unknown",
        extension=None if same else PurePosixPath(row.filename).suffix,
        notes=(EARLIER,),
    )


async def _send(
    resources: Resources, media: Media, picture: Path, made: WatermarkResult
) -> Receipt:
    from media_processor.messages.archive import DeliveryFields

    media_id = media.record.id
    fields = DeliveryFields(
        worker_name=resources.worker,
        owner=media.record.owner,
        media_id=media_id,
        sha256=made.sha256,
        # What comes out as it came is no sign of an earlier watermark.
        original_sha256=media.record.sha256 if made.method != "skip" else None,
    )
    name = watermarked_filename(media.record.filename, made.extension)
    try:
        receipt = await resources.central.deliver(picture, name, made.content_type, fields)
    except DigestMismatch as error:
        if await asyncio.to_thread(digest, picture) != made.sha256:
            # The damage is ours: stage 1 makes it again before the next attempt.
            await asyncio.to_thread(resources.spool.drop_watermark, media_id)
        raise CentralUnavailable(error.detail) from None
    if receipt.sha256 != made.sha256:
        raise CentralUnavailable("The central server's receipt is for other bytes.")
    return receipt
