"""The queues, the workers and what is unfinished, as one report."""

import asyncio
from contextlib import suppress

from media_processor.errors import QueueUnavailable
from media_processor.fast_server.dependencies import Dependencies
from media_processor.messages.fast_server import QueueReport
from media_processor.pipeline.stages import NAMES
from media_processor.work.media import age_seconds

# A Redis that hangs counts as unreachable.
_REDIS_SECONDS = 1.0


async def report_queue(deps: Dependencies) -> QueueReport:
    """``queues`` and ``workers`` are None while Redis can't be reached."""
    unfinished = await asyncio.to_thread(deps.spool.open_ids)
    failed = await asyncio.to_thread(deps.spool.failed_count)
    parked = await asyncio.to_thread(deps.spool.parked_ids)
    load, ready = deps.backpressure.load(), await deps.health.readiness()
    queues = workers = None
    with suppress(QueueUnavailable, TimeoutError):
        async with asyncio.timeout(_REDIS_SECONDS):
            depths = {name: await deps.queue.depth(name) for name in NAMES}
            queues, workers = depths, tuple(await deps.queue.workers())
    return QueueReport(
        queues=queues,
        workers=workers,
        unfinished=len(unfinished),
        failed=failed + len(parked),
        parked=len(parked),
        oldest_age_seconds=age_seconds(unfinished[0]) if unfinished else None,
        limit=load.limit,
        accepting=load.retry_after_seconds is None,
        retry_after_seconds=load.retry_after_seconds,
        drain_per_second=load.drain_per_second,
        state=ready.state,
        problems=ready.problems,
    )
