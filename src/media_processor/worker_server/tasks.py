"""The two stages of the pipeline, as ARQ tasks.

Every step first looks whether its output exists, so running a task twice does nothing.
A task ends in one of three ways: done, closed as failed, or put back for later. ARQ
never counts or gives up: attempts are counted in the spool.
"""

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from media_processor.central_client import CentralClient
from media_processor.crash_points import crash_point
from media_processor.errors import (
    CentralUnavailable,
    DigestMismatch,
    MediaNotFound,
    MediaProcessorError,
    SpoolDamaged,
    StorageFull,
)
from media_processor.filenames import watermarked_filename
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue, QueueName, Wanted
from media_processor.jobs.worker import retry_in
from media_processor.messages.media import (
    Attempts,
    Failure,
    MediaRecord,
    Receipt,
    StepName,
    WatermarkResult,
)
from media_processor.pipeline.policy import judge
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import WorkerSettings
from media_processor.threads import in_thread
from media_processor.watermarks.tasks import TaskBuilder
from media_processor.work.spool import Media, Spool

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tasks:
    """The tasks and the parts they work with."""

    settings: WorkerSettings
    worker: str
    spool: Spool
    queue: JobQueue
    sandbox: Sandbox
    tasks: TaskBuilder
    central: CentralClient

    async def watermark_image_task(self, _: dict[str, Any], media_id: str) -> None:
        """Stage 1: watermark the picture and hand it to stage 2."""
        crash_point("job-claimed")
        if found := await asyncio.to_thread(self._unfinished, media_id):
            media, is_watermarked = found
            try:
                if not is_watermarked:
                    await self._watermark(media)
                await self.queue.ensure([Wanted("upload", media_id)])
                crash_point("upload-enqueued")
            except Exception as error:
                await self._attempt_failed(media, "watermark", error)

    async def upload_to_central_task(self, _: dict[str, Any], media_id: str) -> None:
        """Stage 2: ship the watermarked picture and close the media."""
        if found := await asyncio.to_thread(self._unfinished, media_id):
            media, is_watermarked = found
            try:
                await self._upload(media, is_watermarked=is_watermarked)
            except Exception as error:
                await self._attempt_failed(media, "upload", error)

    def _unfinished(self, media_id: str) -> tuple[Media, bool] | None:
        """The media and whether stage 1's output is there; None if nothing is left to do."""
        try:
            media = self.spool.find(media_id)
        except MediaNotFound:
            log.warning("⚠️ %s is not in the spool; its job is dropped", media_id)
            return None
        if media.place == "open":
            return media, self.spool.is_watermarked(media)
        self.spool.forget_reopened(media_id)
        return None

    # ── stage 1 ──────────────────────────────────────────────────────────────────

    async def _watermark(self, media: Media) -> None:
        record = media.record
        log.info("🎨 %s watermarking %s", record.id, record.filename)
        await self._note(media, "watermarking", status="watermarking", next_attempt_at=None)
        await self._simulate_latency()
        with self.spool.storage.incoming() as target:
            async with self._original(record) as source:
                watermarked = await self.sandbox.watermark(
                    await self.tasks.order(source, target.path, record.profile, _tokens(record))
                )
            await asyncio.to_thread(
                self.spool.keep_watermark, record.id, target, watermarked, self.worker
            )
        log.info("✅ %s watermarked, %d bytes, %s", record.id, watermarked.size, watermarked.way)

    @asynccontextmanager
    async def _original(self, record: MediaRecord) -> AsyncIterator[Path]:
        async with AsyncExitStack() as stack:
            try:
                copy = in_thread(self.spool.local_original(record))
                original = await stack.enter_async_context(copy)
            except FileNotFoundError:
                raise SpoolDamaged(
                    "The original is gone from the spool. Send the picture again."
                ) from None
            yield original

    async def _simulate_latency(self) -> None:
        if span := self.settings.simulated_latency:
            seconds = random.uniform(*span)  # noqa: S311 - not a secret
            log.info("😴 simulating %.1f s of work", seconds)
            await asyncio.sleep(seconds)

    # ── stage 2 ──────────────────────────────────────────────────────────────────

    async def _upload(self, media: Media, *, is_watermarked: bool) -> None:
        record, made = media.record, media.progress.watermarked
        receipt = media.progress.receipt  # set if a crash came between receipt and closing
        if receipt is None:
            if made is None or not is_watermarked:
                await self.queue.ensure([Wanted("watermark", record.id)])
                return
            log.info("🚀 %s uploading, attempt %d", record.id, media.progress.attempts.upload + 1)
            await self._note(media, "uploading", status="uploading", next_attempt_at=None)
            async with in_thread(self.spool.local_watermark(record.id)) as picture:
                receipt = await self._deliver(media, picture, made)
            crash_point("receipt-received")
        keep = self.settings.keep_originals
        await asyncio.to_thread(
            self.spool.close_stored, record.id, receipt, self.worker, keep_original=keep
        )
        log.info("📦 %s stored as %s", record.id, receipt.stored_path)

    async def _deliver(self, media: Media, picture: Path, made: WatermarkResult) -> Receipt:
        fields = {
            "worker_name": self.worker,
            "owner": media.record.owner,
            "media_id": media.record.id,
            "sha256": made.sha256,
        }
        name = watermarked_filename(media.record.filename, made.extension)
        try:
            receipt = await self.central.deliver(picture, name, made.content_type, fields)
        except DigestMismatch as error:
            if await asyncio.to_thread(_digest, picture) != made.sha256:
                # The damage is ours: stage 1 makes it again before the next attempt.
                await asyncio.to_thread(self.spool.drop_watermark, media.record.id)
            raise CentralUnavailable(error.detail) from None
        if receipt.sha256 != made.sha256:
            raise CentralUnavailable("The central server's receipt is for other bytes.")
        return receipt

    # ── when an attempt fails ────────────────────────────────────────────────────

    async def _attempt_failed(self, media: Media, stage: QueueName, error: Exception) -> None:
        if not isinstance(error, MediaProcessorError):
            log.error("❌ %s stage %s met an error of ours", media.record.id, stage, exc_info=error)
            error = MediaProcessorError(
                f"An unexpected {type(error).__name__}; see the worker's log."
            )
        attempts = (await asyncio.to_thread(self.spool.progress, media.record.id)).attempts
        earlier = attempts.watermark if stage == "watermark" else attempts.upload
        verdict = judge(error, earlier, self.settings.upload_retry_delays)
        if verdict.counts:
            attempts = attempts.model_copy(update={stage: earlier + 1})
        failure = Failure(code=error.code, detail=error.detail)
        if verdict.delay is None:
            await self._fail(media, failure, attempts, parks=verdict.parks)
        else:
            await self._retry(media, failure, attempts, verdict.delay)

    async def _fail(
        self, media: Media, failure: Failure, attempts: Attempts, *, parks: bool
    ) -> None:
        log.error("❌ %s failed: %s", media.record.id, failure.detail)
        patience = timedelta(seconds=self.settings.parked_retry_seconds)
        await asyncio.to_thread(
            self.spool.close_failed,
            media.record.id,
            failure,
            self.worker,
            attempts,
            parked_until=now() + patience if parks else None,
        )

    async def _retry(
        self, media: Media, failure: Failure, attempts: Attempts, delay: float
    ) -> None:
        log.warning("🔁 %s again in %g s: %s", media.record.id, delay, failure.detail)
        with suppress(StorageFull):  # then nobody can be told, but it is tried again
            await self._note(
                media,
                "retrying",
                detail=failure.detail,
                status="retrying",
                error=failure,
                attempts=attempts,
                next_attempt_at=now() + timedelta(seconds=delay),
            )
        raise retry_in(delay)

    async def _note(
        self, media: Media, step: StepName, *, detail: str | None = None, **changes: object
    ) -> None:
        await asyncio.to_thread(
            self.spool.note, media.record.id, step, worker=self.worker, detail=detail, **changes
        )


def _tokens(record: MediaRecord) -> dict[str, str]:
    """What a profile's text may say of a picture."""
    date = f"{record.accepted_at:%Y-%m-%d}"
    return {"filename": record.filename, "date": date, "id": record.id}


def _digest(picture: Path) -> str:
    with picture.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
