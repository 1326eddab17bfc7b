"""Logs how full the queues are, whenever that changes."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from media_processor.errors import QueueUnavailable
from media_processor.jobs.queue import JobQueue

log = logging.getLogger(__name__)

_EVERY = 5.0


async def log_queue_depths(queue: JobQueue, names: Sequence[str]) -> None:
    last = ""
    while True:
        with suppress(QueueUnavailable):
            depths = {name: await queue.depth(name) for name in names}
            report = " | ".join(
                f"{name} {at.waiting} waiting, {at.running} running, {at.retrying} retrying"
                for name, at in depths.items()
            )
            if report != last:
                log.info("📊 queue %s", report)
                last = report
        await asyncio.sleep(_EVERY)
