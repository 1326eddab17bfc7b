"""Tasks that run as long as their service; one that ends all the same is started again."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from media_processor.cancellation import cancel_and_wait

log = logging.getLogger(__name__)

# Seconds before a task is started again: longer each time, so that the log stays readable.
_DELAYS = (1.0, 5.0, 30.0)
# A task that ran for so long is well again; its end is reported for as long.
_WELL_AFTER = 600.0


class BackgroundTasks:
    """The tasks of one service, and which of them ended lately."""

    def __init__(self) -> None:
        self._ends: defaultdict[str, list[float]] = defaultdict(list)

    @asynccontextmanager
    async def run(self, **tasks: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Runs each task, by name, while the context lasts."""
        running = [
            asyncio.create_task(self._keep_running(name, task), name=name)
            for name, task in tasks.items()
        ]
        try:
            yield
        finally:
            await cancel_and_wait(*running)

    async def _keep_running(self, name: str, task: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await task()
                log.error("❌ the task %s has ended; it is started again", name)
            except asyncio.CancelledError:
                if (me := asyncio.current_task()) and me.cancelling():
                    raise
                # What it waited for was cancelled, by whomever.
                log.exception("❌ the task %s was cancelled; it is started again", name)
            except Exception:
                log.exception("❌ the task %s has failed; it is started again", name)
            ends = self._recent_ends(name)
            ends.append(time.monotonic())
            await asyncio.sleep(_DELAYS[min(len(ends), len(_DELAYS)) - 1])

    def _recent_ends(self, name: str) -> list[float]:
        since = time.monotonic() - _WELL_AFTER
        self._ends[name] = [at for at in self._ends[name] if at > since]
        return self._ends[name]

    def report(self) -> str | None:
        """Which tasks ended lately; None if none did."""
        told = [
            f"{name} ({len(ends)} times)" if len(ends) > 1 else name
            for name in list(self._ends)
            if (ends := self._recent_ends(name))
        ]
        if not told:
            return None
        return f"Background tasks failed and were started again: {', '.join(told)}. See the log."
