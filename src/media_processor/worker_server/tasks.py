"""A stage as an ARQ task: runs it, hands the media on to the next, deals with a failed attempt.

A task ends in one of three ways: done, closed as failed, or put back for later. ARQ never counts
or gives up: attempts are counted in the spool.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any

from media_processor.crash_points import crash_point
from media_processor.errors import MediaNotFound, MediaProcessorError, StorageError
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue
from media_processor.jobs.worker import retry_in
from media_processor.messages.media import Failure
from media_processor.pipeline.policy import OPERATOR_DELAY, Verdict
from media_processor.pipeline.stage import Resources, Stage, StartOver
from media_processor.pipeline.stages import following
from media_processor.storage.disk_errors import storage_error
from media_processor.work.media import Media

log = logging.getLogger(__name__)


# Seconds until a job is tried again whose spool isn't there.
_WITHOUT_A_SPOOL = 10.0


class StageTask:
    """The task of one stage among ``stages``."""

    def __init__(
        self, stage: Stage, stages: tuple[Stage, ...], resources: Resources, queue: JobQueue
    ) -> None:
        self._stage = stage
        self._first = stages[0]
        self._next = following(stage, stages)
        self._resources = resources
        self._spool = resources.spool
        self._queue = queue

    async def run(self, _: dict[str, Any], media_id: str) -> None:
        crash_point("job-claimed")
        try:
            await self._run(media_id)
        except StorageError as error:  # the spool can't even be asked, or say what happened
            log.error("❌ %s waits for the spool: %s", media_id, error.detail)
            raise retry_in(OPERATOR_DELAY) from None

    async def _run(self, media_id: str) -> None:
        media = await asyncio.to_thread(self._unfinished, media_id)
        if media is None:
            return
        try:
            try:
                changes = await self._stage.run(self._resources, media)
                await self._hand_on(media_id, dict(changes))
            except StartOver:
                await self._queue.ensure([self._first.job(media_id)])
        except Exception as error:
            await self._attempt_failed(media_id, error)

    def _unfinished(self, media_id: str) -> Media | None:
        try:
            media = self._spool.find(media_id)
        except MediaNotFound:
            if not self._spool.is_itself():
                log.error(
                    "❌ %s: the spool is gone from %s. Is its disk mounted?",
                    media_id,
                    self._resources.settings.uploads_dir,
                )
                raise retry_in(_WITHOUT_A_SPOOL) from None
            log.warning("⚠️ %s is not in the spool; dropping its job", media_id)
            return None
        if media.place == "open":
            return media
        self._spool.forget_reopened(media_id)
        return None

    async def _hand_on(self, media_id: str, changes: dict[str, object]) -> None:
        name, worker = self._stage.name, self._resources.worker
        if self._next is None:
            keep = self._resources.settings.keep_originals
            await asyncio.to_thread(
                self._spool.close_stored,
                media_id,
                worker,
                attempted=name,
                keep_original=keep,
                **changes,
            )
            return
        if self._stage.output is None:
            await asyncio.to_thread(self._spool.keep_done, media_id, name, worker, changes)
        await self._queue.ensure([self._next.job(media_id)])
        crash_point("next-enqueued")

    async def _attempt_failed(self, media_id: str, error: Exception) -> None:
        error = storage_error(error) or error
        if not isinstance(error, MediaProcessorError):
            log.error("❌ %s: unexpected error in %s", media_id, self._stage.name, exc_info=error)
            error = MediaProcessorError(
                f"Unexpected {type(error).__name__}; the worker's log has the details."
            )
        progress = await asyncio.to_thread(self._spool.progress, media_id)
        earlier = progress.attempts[self._stage.name]
        verdict = self._stage.judge(error, earlier, self._resources.settings)
        failure = Failure(code=error.code, detail=error.detail)
        if verdict.delay is None:
            await self._give_up(media_id, failure, verdict)
        else:
            await self._note_retry(media_id, failure, verdict, verdict.delay)
            raise retry_in(verdict.delay)

    async def _give_up(self, media_id: str, failure: Failure, verdict: Verdict) -> None:
        log.error("❌ %s failed: %s", media_id, failure.detail)
        wait = timedelta(seconds=self._resources.settings.parked_retry_seconds)
        await asyncio.to_thread(
            self._spool.close_failed,
            media_id,
            failure,
            self._resources.worker,
            attempted=self._counted(verdict),
            parked_until=now() + wait if verdict.parks else None,
        )

    async def _note_retry(
        self, media_id: str, failure: Failure, verdict: Verdict, delay: float
    ) -> None:
        log.warning("🔁 %s retrying in %g s: %s", media_id, delay, failure.detail)
        with suppress(StorageError):  # then it can't be noted, but it is tried again all the same
            await asyncio.to_thread(
                self._spool.note,
                media_id,
                "retrying",
                worker=self._resources.worker,
                detail=failure.detail,
                attempted=self._counted(verdict),
                status="retrying",
                error=failure,
                next_attempt_at=now() + timedelta(seconds=delay),
            )

    def _counted(self, verdict: Verdict) -> str | None:
        return self._stage.name if verdict.counts else None
