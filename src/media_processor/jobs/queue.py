"""What may be asked of the queues from outside a worker."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import msgpack
from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from redis.asyncio import Redis

from media_processor.errors import QueueUnavailable
from media_processor.jobs.connection import (
    JOB_LIFETIME_MS,
    REDIS_AWAY,
    SOCKET_TIMEOUT,
    close,
    connect,
)
from media_processor.jobs.scripts import DEPTH, ENSURE
from media_processor.messages.fast_server import LiveWorker, QueueDepth
from media_processor.settings import RedisSettings

log = logging.getLogger(__name__)

QueueName = Literal["watermark", "upload"]
QUEUES: tuple[QueueName, ...] = ("watermark", "upload")
TASKS: dict[QueueName, str] = {
    "watermark": "watermark_image_task",
    "upload": "upload_to_central_task",
}

CHANGES_CHANNEL = "media:changes"
WORKERS_KEY = "media:workers"

# Longer than any lease, so that every running job is within it.
_LONGEST_LEASE_MS = 3_600_000


@dataclass(frozen=True)
class Wanted:
    """A job that should exist. ``delay`` is in seconds and counts only if it is not queued yet."""

    queue: QueueName
    media_id: str
    delay: float = 0.0

    @property
    def job_id(self) -> str:
        """The same for the same work, so that it is never queued twice."""
        return f"{self.queue}:{self.media_id}"


def media_of(job_id: str) -> str:
    """The media that a job is about."""
    return job_id.partition(":")[2]


def queue_key(queue: QueueName) -> str:
    """The sorted set of a queue."""
    return f"arq:queue:{queue}"


def bell_key(queue: QueueName) -> str:
    """The list that idle workers of a queue listen to."""
    return f"{queue_key(queue)}:bell"


def job_keys(queue: QueueName, job_id: str) -> list[str]:
    """Keys of one job, in the order the scripts take them."""
    return [
        queue_key(queue),
        job_key_prefix + job_id,
        in_progress_key_prefix + job_id,
        retry_key_prefix + job_id,
        bell_key(queue),
    ]


class JobQueue:
    """The queues, over one connection pool. Every method may raise QueueUnavailable."""

    def __init__(self, redis: ArqRedis) -> None:
        self.redis = redis
        self._ensure = redis.register_script(ENSURE)
        self._depth = redis.register_script(DEPTH)

    async def ensure(self, jobs: Iterable[Wanted]) -> list[str]:
        """See that each job runs or is queued, whatever state it is in.

        Returns ``running``, ``queued`` or ``enqueued`` for each, in order.
        """
        with redis_errors():
            return [outcome.decode() for outcome in await self._ensure_all(list(jobs))]

    async def _ensure_all(self, jobs: list[Wanted]) -> list[bytes]:
        if len(jobs) == 1:
            return [await self._ensure_one(jobs[0], self.redis)]
        async with self.redis.pipeline(transaction=False) as pipe:
            for job in jobs:
                await self._ensure_one(job, pipe)
            outcomes: list[bytes] = await pipe.execute()
            return outcomes

    async def _ensure_one(self, job: Wanted, client: Redis) -> bytes:
        payload = serialize_job(
            TASKS[job.queue], (job.media_id,), {}, None, timestamp_ms(), serializer=msgpack.packb
        )
        outcome: bytes = await self._ensure(
            keys=job_keys(job.queue, job.job_id),
            args=[job.job_id, payload, JOB_LIFETIME_MS, int(job.delay * 1000)],
            client=client,
        )
        return outcome

    async def depths(self) -> dict[str, QueueDepth]:
        """How full each queue is."""
        with redis_errors():
            found: dict[str, QueueDepth] = {}
            for queue in QUEUES:
                waiting, running, later = await self._depth(
                    keys=[queue_key(queue)], args=[in_progress_key_prefix, _LONGEST_LEASE_MS]
                )
                found[queue] = QueueDepth(waiting=waiting, running=running, retrying=later)
            return found

    async def workers(self) -> list[LiveWorker]:
        """Workers that gave a sign of life within their lease, by name."""
        with redis_errors():
            names = await self.redis.zrange(WORKERS_KEY, 0, -1)
            if not names:
                return []
            beats = await self.redis.mget([f"media:worker:{name.decode()}" for name in names])
            alive = [LiveWorker.model_validate_json(beat) for beat in beats if beat]
            return sorted(alive, key=lambda worker: (worker.name, worker.stage))

    async def ping(self) -> None:
        """Raise QueueUnavailable unless Redis answers."""
        with redis_errors():
            await self.redis.ping()


@asynccontextmanager
async def open_queue(settings: RedisSettings) -> AsyncIterator[JobQueue]:
    """The queues, while the context lasts."""
    redis = connect(settings)
    try:
        yield JobQueue(redis)
    finally:
        await close(redis)


class redis_errors:  # noqa: N801
    """Turns what redis-py raises into QueueUnavailable."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, REDIS_AWAY):
            raise QueueUnavailable("Redis can't be reached; the work waits.") from error


class Changes:
    """Who waits for news of which media. One subscription serves every waiter.

    A change is published when a job begins, just before that is noted, and when it ends.
    """

    def __init__(self, redis: ArqRedis, on_change: Callable[[str], None]) -> None:
        """``on_change`` hears of every media, before whoever waits for it."""
        self._redis = redis
        self._on_change = on_change
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    @asynccontextmanager
    async def watch(self, media_id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set at each change of the media; the watcher clears it."""
        event = asyncio.Event()
        self._waiting[media_id].add(event)
        try:
            yield event
        finally:
            self._waiting[media_id].discard(event)
            if not self._waiting[media_id]:
                del self._waiting[media_id]

    async def listen(self) -> None:
        """Hand announcements to the watchers, for ever; outlives a Redis that goes away."""
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANGES_CHANNEL)
                    while True:
                        # Shorter than the socket's timeout, which would cost the connection.
                        message = await channel.get_message(
                            ignore_subscribe_messages=True, timeout=SOCKET_TIMEOUT / 2
                        )
                        if message:
                            self._tell(message["data"].decode())
            except REDIS_AWAY as error:
                log.debug("not listening to changes: %s", error)
                await asyncio.sleep(1)

    def _tell(self, media_id: str) -> None:
        self._on_change(media_id)
        for event in self._waiting.get(media_id, ()):
            event.set()
