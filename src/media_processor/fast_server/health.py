"""The state of the system in one place: for /ready, the page's header, ``up`` and ``doctor``."""

import asyncio
import time
from contextlib import suppress

from media_processor.background_tasks import BackgroundTasks
from media_processor.central_client import CentralClient
from media_processor.errors import QueueUnavailable, StorageError
from media_processor.fast_server.movement import check_work, check_workers
from media_processor.http.readiness import check_storage
from media_processor.jobs.queue import JobQueue
from media_processor.jobs.systems import Presence
from media_processor.messages.base import Check, Readiness
from media_processor.messages.fast_server import LiveWorker
from media_processor.pipeline.stages import NAMES
from media_processor.work.spool import Spool

# Many pages and probes ask; in seconds.
_KEPT = 1.0
_CENTRAL_KEPT = 5.0
# What hangs counts as unreachable. A Redis that doesn't answer TLS is known as such after 1.5 s.
_REDIS_SECONDS = 2.0
_CENTRAL_SECONDS = 2.0


class Health:
    """Checks everything that pictures need, at most once a second."""

    def __init__(
        self,
        spool: Spool,
        queue: JobQueue,
        presence: Presence,
        central: CentralClient,
        background: BackgroundTasks,
        min_free_bytes: int,
    ) -> None:
        self._spool, self._queue, self._central = spool, queue, central
        self._presence, self._background = presence, background
        self._min_free_bytes = min_free_bytes
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[float, Readiness] | None = None
        self._central_last: tuple[float, Check] | None = None

    async def readiness(self) -> Readiness:
        async with self._one_at_a_time:
            if self._last is None or time.monotonic() > self._last[0] + _KEPT:
                found = Readiness.of(await self._checks())
                self._last = time.monotonic(), found
            return self._last[1]

    async def _checks(self) -> dict[str, Check]:
        storage, redis, central = await asyncio.gather(
            asyncio.to_thread(check_storage, self._spool.storage, self._min_free_bytes),
            self._check_redis(),
            self._check_central(),
        )
        found = {**storage, **redis, "central_server": central}
        if trouble := self._background.report():
            found["background_tasks"] = Check(ok=True, detail=trouble, state="error")
        return found

    async def _check_redis(self) -> dict[str, Check]:
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                await self._queue.check()
                workers = await self._queue.workers()
                depths = [await self._queue.depth(name) for name in NAMES]
        except QueueUnavailable as error:
            return {"redis": Check(ok=False, detail=error.detail)}
        except TimeoutError:
            detail = f"Redis doesn't answer within {_REDIS_SECONDS:g} s."
            return {"redis": Check(ok=False, detail=detail)}
        checks = {
            "redis": self._reachable(),
            "workers": check_workers(workers, self._presence),
            "picture_processes": _check_guards(workers),
        }
        # Of a worker all stages are one process.
        if troubles := {one.name: one.trouble for one in workers if one.trouble}:
            told = " ".join(f"{name}: {trouble}" for name, trouble in troubles.items())
            checks["worker_trouble"] = Check(ok=True, detail=told, state="error")
        with suppress(OSError, StorageError):  # the check of the storage says why
            unfinished = await asyncio.to_thread(self._spool.open_ids)
            checks["work"] = check_work(unfinished, depths)
        return checks

    def _reachable(self) -> Check:
        if unreadable := self._queue.unreadable.report():
            return Check(ok=True, detail=unreadable, state="warning")
        return Check(ok=True, detail="reachable")

    async def _check_central(self) -> Check:
        if self._central_last and time.monotonic() < self._central_last[0] + _CENTRAL_KEPT:
            return self._central_last[1]
        found = await self._ask_central()
        # That it is back is to be known at once.
        self._central_last = (time.monotonic(), found) if found.state == "ok" else None
        return found

    async def _ask_central(self) -> Check:
        try:
            async with asyncio.timeout(_CENTRAL_SECONDS):
                if await self._central.answers():
                    return Check(ok=True, detail="ready")
        except TimeoutError:
            pass
        detail = "The central server isn't ready: finished pictures wait until it is."
        return Check(ok=True, detail=detail, state="error")


def _check_guards(workers: list[LiveWorker]) -> Check:
    # The limits on memory and time hold without these guards too.
    without = [
        f"{worker.name} lacks {' and '.join(worker.missing_guards)}"
        for worker in workers
        if worker.missing_guards
    ]
    if without:
        return Check(ok=True, detail="; ".join(without), state="warning")
    return Check(ok=True, detail="guarded by Landlock and seccomp")
