"""Queues again every unfinished picture of the spool that has no job.

This is what makes Redis a hint: after it lost everything, or a fast server accepted pictures
without it, the spool is walked and every unfinished picture is queued. The cost is in
proportion to what is unfinished.
"""

import asyncio
import logging

from media_processor.errors import QueueUnavailable, StorageError
from media_processor.jobs.queue import Job, JobQueue
from media_processor.pipeline.stage import Stage
from media_processor.pipeline.stages import STAGES
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

# One pipeline; large enough to be quick, small enough not to block Redis.
_BATCH = 500

# No upload takes this long, so what is older belongs to a process that died.
_ABANDONED_SECONDS = 3600.0


class Reconciler:
    """One round looks at every unfinished picture once."""

    def __init__(
        self,
        spool: Spool,
        queue: JobQueue,
        every: float,
        stages: tuple[Stage, ...] = STAGES,
    ) -> None:
        self._spool = spool
        self._stages = stages
        self._queue = queue
        self._every = every

    async def run(self) -> None:
        while True:
            try:
                await self.round()
            except QueueUnavailable as error:
                log.debug("the reconciler waits: %s", error)  # the worker loop says it already
            except Exception:
                log.exception("❌ the reconciler failed; retrying in a few seconds")
            await asyncio.sleep(self._every)

    async def round(self) -> int:
        jobs = await asyncio.to_thread(self._look)
        queued = 0
        for batch in _batches(jobs):
            queued += (await self._queue.ensure(batch)).count("enqueued")
        if queued:
            log.info("🧭 requeued unfinished pictures without a job: %d", queued)
        return queued

    def _look(self) -> list[Job]:
        """Also drops the outputs of finished media and what uploads left behind."""
        # In this order: what has an output and isn't open by then is finished for certain.
        done = {
            stage.name: set(self._spool.outputs(stage.done_folder)) for stage in self._stages[:-1]
        }
        parked = self._spool.parked_ids()
        unfinished = self._spool.open_ids()
        try:
            self._drop({name: ids.difference(parked, unfinished) for name, ids in done.items()})
        except StorageError as error:  # no reason to leave pictures without a job
            log.warning("⚠️ what is left over in the spool can't be removed: %s", error.detail)
        return [self._next_stage(media_id, done).job(media_id) for media_id in unfinished]

    def _drop(self, finished: dict[str, set[str]]) -> None:
        for stage in self._stages[:-1]:
            for media_id in finished[stage.name]:
                self._spool.drop_output(stage.done_folder, media_id)
        self._spool.storage.sweep_incoming(_ABANDONED_SECONDS)

    def _next_stage(self, media_id: str, done: dict[str, set[str]]) -> Stage:
        # The last stage closes the media, so it is never done.
        *before, last = self._stages
        return next((stage for stage in before if media_id not in done[stage.name]), last)


def _batches(jobs: list[Job]) -> list[list[Job]]:
    return [jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH)]
