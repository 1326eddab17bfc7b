"""ARQ's worker, made fast and safe: it listens instead of polling, leases its jobs, and
outlives a Redis that goes away. FACTS in docs/decisions/0002-arq.md tell why."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, cast

import msgpack
from arq import Retry
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix
from arq.typing import WorkerCoroutine
from arq.utils import timestamp_ms
from arq.worker import Worker, func

from media_processor.cancellation import cancel_and_wait
from media_processor.ids import now
from media_processor.jobs.connection import REDIS_AWAY, close, connect
from media_processor.jobs.queue import (
    CHANGES_CHANNEL,
    TASKS,
    WORKERS_KEY,
    QueueName,
    bell_key,
    job_keys,
    media_of,
    queue_key,
)
from media_processor.jobs.scripts import BEAT, CLAIM, FINISH
from media_processor.messages.fast_server import LiveWorker
from media_processor.settings import RedisSettings

log = logging.getLogger(__name__)

Task = Callable[[dict[str, Any], str], Coroutine[Any, Any, None]]

# A bell can be missed (Redis restarted, another worker heard it and died), so an idle
# worker looks by itself this often, in seconds: two commands a look.
_LOOK_ANYWAY = 1.0

# Tasks limit themselves; this only frees the slot of one that hangs all the same.
_JOB_TIMEOUT = 3600


class LeasedWorker(Worker):
    """Runs the jobs of one queue until told to stop.

    ARQ's own ``run_job`` does the running; claiming, prolonging and finishing are one
    script each (see jobs/scripts.py), so no crash leaves a job half moved.
    """

    def __init__(
        self,
        queue: QueueName,
        task: Task,
        *,
        settings: RedisSettings,
        name: str,
        slots: int,
        lease: float,
        missing_guards: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            [func(cast(WorkerCoroutine, task), name=TASKS[queue])],
            queue_name=queue_key(queue),
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
        self._name = name
        self._missing_guards = missing_guards
        self._lease_ms = int(lease * 1000)
        self._token = f"{name}:{secrets.token_hex(8)}"
        self._started_at: datetime = now()
        self._claimed_ms: dict[str, int] = {}
        self._slot_free = asyncio.Event()
        self._claim = self.pool.register_script(CLAIM)
        self._beat = self.pool.register_script(BEAT)
        self._finish = self.pool.register_script(FINISH)
        # A blocking listen needs a connection that no command waits behind.
        self._ear: ArqRedis = connect(settings)
        self._away = False
        self._stopping = False

    async def work(self, stop: asyncio.Event, grace: float) -> None:
        """Run jobs until ``stop`` is set, then let running ones finish for ``grace`` seconds."""
        beating = asyncio.create_task(self._keep_leases())
        looking = asyncio.create_task(self._look_for_jobs())
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({stopped, beating, looking}, return_when=asyncio.FIRST_COMPLETED)
            # Not cancelled: a claim under way would leave its jobs waiting for their lease.
            self._stopping = True
            self._slot_free.set()
            await looking
            await self._let_finish(grace)
            if beating.done():
                beating.result()  # a stage without leases must not go on in silence
        finally:
            await cancel_and_wait(beating, looking, stopped)
            with suppress(*REDIS_AWAY):
                await self.pool.delete(self._worker_key)
            for connected in (self.pool, self._ear):
                with suppress(*REDIS_AWAY):
                    await close(connected)

    async def _let_finish(self, grace: float) -> None:
        if self.tasks:
            log.info("⏳ waiting up to %.0f s for %d running jobs", grace, len(self.tasks))
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
                    await self._listen(wait_ms)
                self._is_back()
            except REDIS_AWAY as error:
                self._is_away(error)
                await asyncio.sleep(1)

    async def _claim_jobs(self, free: int) -> int:
        """Claim and start up to ``free`` jobs; ms until the next is due, -1 for none."""
        wait_ms, ids = await self._claim(
            keys=[self.queue_name, bell_key(self._queue)],
            args=[free, self._lease_ms, self._token, in_progress_key_prefix, CHANGES_CHANNEL],
        )
        for job_id in ids:
            self._start(job_id.decode())
        return int(wait_ms)

    def _start(self, job_id: str) -> None:
        if job_id in self.tasks:
            return  # our lease had run out while Redis was away; the claim renewed it
        # ARQ computes a retry's delay from this; our finish_job takes it out again.
        self._claimed_ms[job_id] = claimed_ms = timestamp_ms()
        task = asyncio.create_task(self.run_job(job_id, claimed_ms))
        self.tasks[job_id] = task
        task.add_done_callback(lambda done: self._ended(job_id, done))

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        del self.tasks[job_id]
        self._claimed_ms.pop(job_id, None)
        self._slot_free.set()
        if not task.cancelled() and (error := task.exception()):
            # Most likely Redis went away; the lease runs out and the job is claimed again.
            log.warning("⚠️ %s was not handed back: %s", job_id, error)

    async def _listen(self, wait_ms: int) -> None:
        """Wait for the bell, the next due job, or the time to look anyway."""
        timeout = _LOOK_ANYWAY if wait_ms < 0 else min(_LOOK_ANYWAY, wait_ms / 1000)
        # Redis takes 0 for "for ever".
        await self._ear.execute_command(  # type: ignore[no-untyped-call]
            "BLPOP", bell_key(self._queue), max(timeout, 0.001)
        )

    def _is_away(self, error: BaseException) -> None:
        if not self._away:
            log.warning("🔌 Redis is away (%s); trying again every second", error)
        self._away = True

    def _is_back(self) -> None:
        if self._away:
            log.info("🔌 Redis is back")
        self._away = False

    # ── holding and finishing ────────────────────────────────────────────────────

    @property
    def _worker_key(self) -> str:
        return f"media:worker:{self._name}:{self._queue}"

    async def _keep_leases(self) -> None:
        while True:
            try:
                await self._beat_once()
            except REDIS_AWAY as error:
                log.debug("no sign of life given: %s", error)
            # Three beats a lease: one may be lost, one may be late.
            await asyncio.sleep(self._lease_ms / 3000)

    async def _beat_once(self) -> None:
        running = list(self.tasks)
        if running:
            lost = await self._beat(
                keys=[self.queue_name],
                args=[self._lease_ms, self._token, in_progress_key_prefix, *running],
            )
            if lost:
                log.debug("leases lost: %s", lost)
        alive = LiveWorker(
            name=self._name,
            stage=self._queue,
            running=len(running),
            started_at=self._started_at,
            doing=tuple(media_of(job_id) for job_id in running),
            missing_guards=self._missing_guards,
        )
        async with self.pool.pipeline(transaction=False) as pipe:
            pipe.psetex(self._worker_key, self._lease_ms, alive.model_dump_json())
            pipe.zadd(WORKERS_KEY, {f"{self._name}:{self._queue}": timestamp_ms()})
            pipe.zremrangebyscore(WORKERS_KEY, "-inf", timestamp_ms() - 24 * 3600 * 1000)
            pipe.expire(WORKERS_KEY, 24 * 3600)
            await pipe.execute()

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
        """End the job or put it back, in place of ARQ's unconditional write."""
        elapsed = timestamp_ms() - self._claimed_ms.get(job_id, timestamp_ms())
        delay = -1 if finish else max(0, (incr_score or 0) - elapsed)
        await self._hand_back(job_id, delay)

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """ARQ gave the job up (its payload is gone, or unknown); the reconciler knows better."""
        await self._hand_back(job_id, -1)

    async def _hand_back(self, job_id: str, delay_ms: int) -> None:
        await self._finish(
            keys=job_keys(self._queue, job_id),
            args=[job_id, self._token, delay_ms, CHANGES_CHANNEL, media_of(job_id)],
        )


def retry_in(seconds: float) -> Retry:
    """Raise this in a task to have it run again after ``seconds``."""
    return Retry(defer=seconds)
