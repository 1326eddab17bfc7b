"""Cancels asyncio tasks and waits until they have ended."""

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """What the tasks raise is logged, not raised."""
    # Again and again: asyncio.wait_for on Python 3.11, which redis-py sends through, swallows a
    # cancellation that arrives as the sending ends (python/cpython#86296).
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()):
            log.error("❌ %s ended with an unexpected error", task.get_name(), exc_info=error)
