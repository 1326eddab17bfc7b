"""Tries pictures again that failed for want of the archive: nobody has to ask for it.

All of them at once when the archive answers again; one by one after PARKED_RETRY_SECONDS
if it answers, but didn't take them. While it is away nothing is sent but a question.
"""

import asyncio
import logging

from media_processor.central_client import CentralClient
from media_processor.errors import MediaProcessorError, NotFailed, QueueUnavailable
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue, Wanted
from media_processor.messages.media import Progress
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)


class Parked:
    """One round asks the archive once, if anything is parked."""

    def __init__(self, spool: Spool, queue: JobQueue, central: CentralClient, every: float) -> None:
        self._spool = spool
        self._queue = queue
        self._central = central
        self._every = every
        self._was_away = False

    async def run(self) -> None:
        """Do a round every ``every`` seconds, for ever; a failed round is tried again."""
        while True:
            try:
                await self.round()
            except Exception:
                log.exception("❌ looking at parked pictures failed; it is tried again")
            await asyncio.sleep(self._every)

    async def round(self) -> int:
        """Reopen what may be tried again; how many that were."""
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
            log.info("🔓 the archive answers; %d parked pictures are tried again", len(reopened))
            try:
                await self._queue.ensure([Wanted("watermark", media_id) for media_id in reopened])
            except QueueUnavailable:
                log.debug("the reconciler will queue them")
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
    """Its time has come, or it was never reopened: then the archive may just have come back."""
    waited = progress.next_attempt_at is None or progress.next_attempt_at <= now()
    return waited or all(step.step != "reopened" for step in progress.steps)
