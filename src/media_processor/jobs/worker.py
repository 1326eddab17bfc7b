"""ARQ's worker, made fast and safe: woken instead of polling, with leases, surviving outages.

docs/decisions/0002-arq.md says why.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

import msgpack
from arq import Retry
from arq.connections import ArqRedis
from arq.typing import WorkerCoroutine
from arq.utils import timestamp_ms
from arq.worker import Worker, func
from redis.exceptions import ResponseError

from media_processor.cancellation import cancel_and_wait
from media_processor.ids import is_media_id, now
from media_processor.jobs.connection import REDIS_AWAY, OutageLog, close, connect
from media_processor.jobs.keys import IN_PROGRESS_PREFIX, Keys, media_of, worker_id
from media_processor.jobs.scripts import CLAIM, FINISH, HEARTBEAT, RENEW
from media_processor.jobs.unreadable import Unreadable
from media_processor.messages.fast_server import LiveWorker
from media_processor.settings import RedisSettings

log = logging.getLogger(__name__)

TaskFunction = Callable[[dict[str, Any], str], Coroutine[Any, Any, None]]

# A wake-up can be missed (Redis restarted, or the worker that took it died), so an idle worker
# also looks by itself this often, in seconds: two commands a look.
_LOOK_ANYWAY = 1.0

# Seconds that a stopping worker gives a Redis that doesn't answer; looking for jobs takes one.
_LAST_CLAIM = 2.0

# Tasks limit themselves; this only frees the slot of one that hangs all the same. The longest is
# a delivery of 200 MB at the minimum pace of 4 kB/s: 14 h.
_JOB_TIMEOUT = 24 * 3600

# What Redis says of a value that isn't of the kind that a command is for.
_WRONG_VALUE = re.compile(r"WRONGTYPE|not an integer")


class LeasedWorker(Worker):
    """Runs the jobs of one queue until it is stopped.

    ARQ's own ``run_job`` does the running; claiming, renewing and finishing are one script
    each (jobs/scripts.py), so no crash leaves a job half moved.
    """

    def __init__(
        self,
        queue: str,
        task: str,
        function: TaskFunction,
        *,
        settings: RedisSettings,
        keys: Keys,
        name: str,
        slots: int,
        lease: float,
        outage: OutageLog,
        unreadable: Unreadable,
        missing_guards: tuple[str, ...] = (),
        trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        """``trouble`` is told with each heartbeat."""

        async def run_job(context: dict[str, Any], *_: object, **__: object) -> None:
            # The id was checked when the job was claimed; what the payload says may be anything.
            await function(context, media_of(context["job_id"]))

        super().__init__(
            [func(cast(WorkerCoroutine, run_job), name=task)],
            queue_name=keys.queue(queue),
            redis_pool=connect(settings),
            handle_signals=False,
            max_jobs=slots,
            # Attempts are counted in the spool; a job that arq gave up would vanish silently.
            max_tries=1_000_000,
            job_timeout=_JOB_TIMEOUT,
            keep_result=0,
            job_serializer=msgpack.packb,
            job_deserializer=msgpack.unpackb,
            log_results=False,
        )
        self._queue = queue
        self._keys = keys
        self._name = name
        self._worker_id = worker_id(name, queue)
        self._missing_guards = missing_guards
        self._unreadable, self._trouble = unreadable, trouble
        self._lease_ms = int(lease * 1000)
        self._token = f"{name}:{secrets.token_hex(8)}"
        self._started_at: datetime = now()
        self._claimed_ms: dict[str, int] = {}
        self._slot_free = asyncio.Event()
        self._claim = self.pool.register_script(CLAIM)
        self._renew = self.pool.register_script(RENEW)
        self._finish = self.pool.register_script(FINISH)
        self._heartbeat = self.pool.register_script(HEARTBEAT)
        # A blocking command needs a connection that no other command waits behind.
        self._wakeups: ArqRedis = connect(settings)
        self._outage = outage
        self._stopping = False

    async def work(self, stop: asyncio.Event, grace: float) -> None:
        """Run jobs until ``stop`` is set, then give the running ones ``grace`` seconds to end."""
        heartbeat = asyncio.create_task(self._keep_leases())
        looking = asyncio.create_task(self._look_for_jobs())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, heartbeat, looking}, return_when=asyncio.FIRST_COMPLETED)
            # A claim that is cancelled would leave its jobs waiting for their lease.
            self._stopping = True
            self._slot_free.set()
            await asyncio.wait({looking}, timeout=_LAST_CLAIM)
            await cancel_and_wait(looking)
            await self._let_finish(grace)
            for ended in (heartbeat, looking):
                if ended.done() and not ended.cancelled():
                    ended.result()  # raises: a worker without leases or jobs must not go on
        finally:
            await cancel_and_wait(heartbeat, looking, stopped)
            with suppress(*REDIS_AWAY):
                async with asyncio.timeout(_LAST_CLAIM):
                    await self.pool.delete(self._keys.heartbeat(self._worker_id))
            for connected in (self.pool, self._wakeups):
                with suppress(*REDIS_AWAY):
                    await close(connected)

    async def _let_finish(self, grace: float) -> None:
        if self.tasks:
            log.info("⏳ waiting up to %.0f s for running jobs: %d", grace, len(self.tasks))
            await asyncio.wait(self.tasks.values(), timeout=grace)
        for task in self.job_tasks.values():
            task.cancel()  # arq puts a cancelled job back into its queue
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=5)

    # ── looking for jobs ─────────────────────────────────────────────────────────

    async def _look_for_jobs(self) -> None:
        while not self._stopping:
            free = self.max_jobs - len(self.tasks)
            if free == 0:
                self._slot_free.clear()
                await self._slot_free.wait()
                continue
            try:
                wait_ms = await self._claim_jobs(free)
                if len(self.tasks) < self.max_jobs:
                    await self._wait_for_wakeup(wait_ms)
                self._outage.back(self._queue)
            except REDIS_AWAY as error:
                self._outage.away(self._queue, error)
                await asyncio.sleep(1)

    async def _claim_jobs(self, free: int) -> int:
        """Returns the milliseconds until the next job is due, -1 for none."""
        wait_ms, ids = await self._claim(
            keys=[self.queue_name, self._keys.wakeup(self._queue), self._keys.owner],
            args=[
                free,
                self._lease_ms,
                self._token,
                IN_PROGRESS_PREFIX,
                self._keys.changes,
                self._keys.ownership,
            ],
        )
        unreadable = []
        for claimed in ids:
            job_id = claimed.decode(errors="replace")
            if is_media_id(media_of(job_id)):
                self._start(job_id)
            else:
                unreadable.append(claimed)
        if unreadable:
            self._unreadable.drop("job")
            await self.pool.zrem(self.queue_name, *unreadable)
        return int(wait_ms)

    def _start(self, job_id: str) -> None:
        if job_id in self.tasks:
            return  # our lease had run out while Redis was away; the claim renewed it
        # ARQ computes a retry's delay from this; our finish_job takes it out again.
        self._claimed_ms[job_id] = claimed_ms = timestamp_ms()
        task = asyncio.create_task(self._run(job_id, claimed_ms))
        self.tasks[job_id] = task
        task.add_done_callback(lambda done: self._ended(job_id, done))

    async def _run(self, job_id: str, claimed_ms: int) -> None:
        try:
            await self.run_job(job_id, claimed_ms)
        except (TypeError, ValueError, ResponseError) as error:
            if isinstance(error, ResponseError) and not _WRONG_VALUE.search(str(error)):
                raise  # Redis is full, or refuses: not the value's fault
            # What ARQ keeps beside the job can't be read. The reconciler queues the job anew.
            self._unreadable.drop("job")
            await self._hand_back(job_id, -1)

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        del self.tasks[job_id]
        self._claimed_ms.pop(job_id, None)
        self._slot_free.set()
        if not task.cancelled() and (error := task.exception()):
            # Most likely Redis went away; the lease runs out and the job is claimed again.
            log.warning("⚠️ %s can't be requeued: %s", job_id, error)

    async def _wait_for_wakeup(self, wait_ms: int) -> None:
        timeout = _LOOK_ANYWAY if wait_ms < 0 else min(_LOOK_ANYWAY, wait_ms / 1000)
        # Redis takes 0 for "for ever".
        await self._wakeups.execute_command(  # type: ignore[no-untyped-call]
            "BLPOP", self._keys.wakeup(self._queue), max(timeout, 0.001)
        )

    # ── holding and finishing ────────────────────────────────────────────────────

    async def _keep_leases(self) -> None:
        while True:
            try:
                await self._send_heartbeat(await self._renew_leases())
            except REDIS_AWAY as error:
                log.debug("can't send a heartbeat: %s", error)
            # Three heartbeats a lease: one may be lost, one may be late.
            await asyncio.sleep(self._lease_ms / 3000)

    async def _renew_leases(self) -> list[str]:
        running = list(self.tasks)
        if running:
            lost = await self._renew(
                keys=[self.queue_name],
                args=[self._lease_ms, self._token, IN_PROGRESS_PREFIX, *running],
            )
            if lost:
                log.debug("leases lost: %s", lost)
        return running

    async def _send_heartbeat(self, running: list[str]) -> None:
        alive = LiveWorker(
            name=self._name,
            stage=self._queue,
            running=len(running),
            started_at=self._started_at,
            doing=tuple(media_of(job_id) for job_id in running),
            missing_guards=self._missing_guards,
            trouble=self._trouble(),
        )
        await self._heartbeat(
            keys=[self._keys.heartbeat(self._worker_id), self._keys.workers, self._keys.owner],
            args=[
                alive.model_dump_json(),
                self._lease_ms,
                self._worker_id,
                self._keys.ownership,
            ],
        )

    async def finish_job(
        self,
        job_id: str,
        finish: bool,
        result_data: bytes | None,
        result_timeout_s: float | None,
        keep_result_forever: bool,
        incr_score: int | None,
        keep_in_progress: float | None,
    ) -> None:
        # Instead of ARQ's write, which doesn't check the lease.
        elapsed = timestamp_ms() - self._claimed_ms.get(job_id, timestamp_ms())
        delay = -1 if finish else max(0, (incr_score or 0) - elapsed)
        await self._hand_back(job_id, delay)

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        # ARQ gave up: the payload is gone or unreadable. The reconciler queues the job anew.
        await self._hand_back(job_id, -1)

    async def _hand_back(self, job_id: str, delay_ms: int) -> None:
        await self._finish(
            keys=self._keys.of_job(self._queue, job_id),
            args=[job_id, self._token, delay_ms, self._keys.changes, media_of(job_id)],
        )


def retry_in(seconds: float) -> Retry:
    return Retry(defer=seconds)
