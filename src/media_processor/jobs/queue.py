"""The queues as seen from outside a worker: enqueue, depth, which workers are alive."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgpack
from arq.connections import ArqRedis
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from pydantic import ValidationError
from redis.asyncio import Redis

from media_processor.errors import QueueUnavailable
from media_processor.jobs.connection import close, connect, redis_errors
from media_processor.jobs.keys import IN_PROGRESS_PREFIX, Keys
from media_processor.jobs.scripts import DEPTH, ENSURE, LEASE, OWN
from media_processor.jobs.server_info import check_server
from media_processor.jobs.unreadable import Unreadable
from media_processor.messages.fast_server import LiveWorker, QueueDepth
from media_processor.settings import RedisSettings

# Longer than any lease, so that every running job is within it.
_LONGEST_LEASE_MS = 3_600_000

# Below the timeout of whoever asks whether a server is ready.
_CHECK_SECONDS = 2.0


@dataclass(frozen=True)
class Job:
    """One task about one media. ``delay`` is in seconds and counts only if the job is new."""

    queue: str
    task: str
    media_id: str
    delay: float = 0.0


class JobQueue:
    """The queues of one system. Every method may raise QueueUnavailable."""

    def __init__(self, redis: ArqRedis, keys: Keys) -> None:
        self.redis = redis
        self.keys = keys
        self.unreadable = Unreadable()
        self._ensure = redis.register_script(ENSURE)
        self._depth = redis.register_script(DEPTH)
        self._lease = redis.register_script(LEASE)
        self._own = redis.register_script(OWN)

    async def ensure(self, jobs: Iterable[Job]) -> list[str]:
        """See that each job runs or is queued, whatever state it is in.

        Returns ``running``, ``queued`` or ``enqueued`` for each, in order.
        """
        with redis_errors():
            return [outcome.decode() for outcome in await self._ensure_all(list(jobs))]

    async def _ensure_all(self, jobs: list[Job]) -> list[bytes]:
        if len(jobs) == 1:
            return [await self._ensure_one(jobs[0], self.redis)]
        async with self.redis.pipeline(transaction=False) as pipe:
            for job in jobs:
                await self._ensure_one(job, pipe)
            outcomes: list[bytes] = await pipe.execute()
            return outcomes

    async def _ensure_one(self, job: Job, client: Redis) -> bytes:
        payload = serialize_job(
            job.task, (job.media_id,), {}, None, timestamp_ms(), serializer=msgpack.packb
        )
        job_id = self.keys.job_id(job.queue, job.media_id)
        outcome: bytes = await self._ensure(
            keys=[*self.keys.of_job(job.queue, job_id), self.keys.owner],
            args=[job_id, payload, int(job.delay * 1000), self.keys.ownership],
            client=client,
        )
        return outcome

    async def depth(self, queue: str) -> QueueDepth:
        with redis_errors():
            waiting, running, later = await self._depth(
                keys=[self.keys.queue(queue)], args=[IN_PROGRESS_PREFIX, _LONGEST_LEASE_MS]
            )
            return QueueDepth(waiting=waiting, running=running, retrying=later)

    async def has_lease(self, task: str, token: str, seconds: float) -> bool:
        """Whether this worker, known by its ``token``, is the one that does ``task`` for all.

        If nobody is, or it is already, it is for so many seconds from now.
        """
        with redis_errors():
            return bool(
                await self._lease(
                    keys=[self.keys.lease(task), self.keys.owner],
                    args=[token, int(seconds * 1000), self.keys.ownership],
                )
            )

    async def workers(self) -> list[LiveWorker]:
        with redis_errors():
            names = await self.redis.zrange(self.keys.workers, 0, -1)
            if not names:
                return []
            heartbeats = await self.redis.mget(
                [self.keys.heartbeat(name.decode(errors="replace")) for name in names]
            )
        alive = [worker for data in heartbeats if data and (worker := self._worker(data))]
        return sorted(alive, key=lambda worker: (worker.name, worker.stage))

    def _worker(self, heartbeat: bytes) -> LiveWorker | None:
        try:
            return LiveWorker.model_validate_json(heartbeat)
        except ValidationError:
            self.unreadable.drop("heartbeat")
            return None

    async def check(self) -> None:
        """Raises QueueUnavailable, with what to do, if jobs can't be queued."""
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check_server(self.redis)
                with redis_errors():
                    await self._own(keys=[self.keys.owner], args=[self.keys.ownership])
        except TimeoutError:
            raise QueueUnavailable(f"Redis doesn't answer within {_CHECK_SECONDS:g} s.") from None


@asynccontextmanager
async def open_queue(settings: RedisSettings, keys: Keys) -> AsyncIterator[JobQueue]:
    redis = connect(settings)
    try:
        yield JobQueue(redis, keys)
    finally:
        await close(redis)
