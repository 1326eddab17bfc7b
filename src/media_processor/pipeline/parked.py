"""Tries parked pictures again: those that failed because the central server was away.

All of them at once when it answers again; each after PARKED_RETRY_SECONDS if it answers but
didn't take them. While it is away, a round only asks whether it is ready.
"""

import asyncio
import logging

from media_processor.central_client import CentralClient
from media_processor.errors import MediaProcessorError, NotFailed, QueueUnavailable
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue
from media_processor.messages.media import Progress
from media_processor.pipeline.stages import FIRST
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)


class Parked:
    """One round asks the central server once, if anything is parked."""

    def __init__(self, spool: Spool, queue: JobQueue, central: CentralClient, every: float) -> None:
        self._spool = spool
        self._queue = queue
        self._central = central
        self._every = every
        self._was_away = False

    async def run(self) -> None:
        while True:
            try:
                await self.round()
            except Exception:
                log.exception("❌ can't retry parked pictures; trying again in a few seconds")
            await asyncio.sleep(self._every)

    async def round(self) -> int:
        parked = await asyncio.to_thread(self._spool.parked_ids)
        if not parked:
            self._was_away = False
            return 0
        if not await self._central.answers():
            self._was_away = True
            return 0
        everything, self._was_away = self._was_away, False
        reopened = await asyncio.to_thread(self._reopen, parked, everything)
        if reopened:
            log.info("🔓 the central server is back; retrying parked pictures: %d", len(reopened))
            try:
                await self._queue.ensure([FIRST.job(media_id) for media_id in reopened])
            except QueueUnavailable:
                log.debug("Redis can't be reached; the reconciler will queue the parked pictures")
        return len(reopened)

    def _reopen(self, parked: list[str], everything: bool) -> list[str]:
        reopened = []
        for media_id in parked:
            try:
                if everything or _is_due(self._spool.progress(media_id)):
                    self._spool.reopen(media_id)
                    reopened.append(media_id)
            except NotFailed:
                continue  # another worker was faster
            except MediaProcessorError as error:
                log.error("❌ %s stays parked: %s", media_id, error.detail)
        return reopened


def _is_due(progress: Progress) -> bool:
    # One that was never reopened is tried at once: the central server may just be back.
    waited = progress.next_attempt_at is None or progress.next_attempt_at <= now()
    return waited or all(step.step != "reopened" for step in progress.steps)
