"""Finds pictures in the spool that have no job, and gives them one again.

This is what makes Redis a hint: after it lost everything, or a fast server accepted pictures
without it, the spool is walked and every unfinished picture is queued. The cost is in
proportion to what is unfinished.
"""

import asyncio
import logging

from media_processor.errors import QueueUnavailable
from media_processor.jobs.queue import JobQueue, Wanted
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

# One pipeline; large enough to be quick, small enough not to hold Redis up.
_BATCH = 500

# No upload takes this long, so what is older belongs to a process that died.
_ABANDONED_SECONDS = 3600.0


class Reconciler:
    """One round looks at every unfinished picture once."""

    def __init__(self, spool: Spool, queue: JobQueue, every: float) -> None:
        self._spool = spool
        self._queue = queue
        self._every = every

    async def run(self) -> None:
        """Do a round every ``every`` seconds, for ever; a failed round is tried again."""
        while True:
            try:
                await self.round()
            except QueueUnavailable as error:
                log.debug("reconciling waits: %s", error)  # the worker loop says it already
            except Exception:
                log.exception("❌ reconciling failed; it is tried again")
            await asyncio.sleep(self._every)

    async def round(self) -> int:
        """Queue what has no job and sweep what is left over; how many were queued."""
        wanted = await asyncio.to_thread(self._look)
        queued = 0
        for batch in _batches(wanted):
            queued += (await self._queue.ensure(batch)).count("enqueued")
        if queued:
            log.info("🧭 %d unfinished pictures had no job and are queued again", queued)
        return queued

    def _look(self) -> list[Wanted]:
        # In this order: what is watermarked and not open by then is finished for certain.
        watermarked = set(self._spool.watermarked_ids())
        parked = self._spool.parked_ids()
        unfinished = self._spool.open_ids()
        for media_id in watermarked.difference(parked, unfinished):
            self._spool.drop_watermark(media_id)
        self._spool.storage.sweep_incoming(_ABANDONED_SECONDS)
        return [
            Wanted("upload" if media_id in watermarked else "watermark", media_id)
            for media_id in unfinished
        ]


def _batches(wanted: list[Wanted]) -> list[list[Wanted]]:
    return [wanted[start : start + _BATCH] for start in range(0, len(wanted), _BATCH)]
