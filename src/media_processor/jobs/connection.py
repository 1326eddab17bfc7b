"""Connections to Redis that survive an outage, and what an outage raises."""

import logging

import msgpack
from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from media_processor.errors import QueueUnavailable
from media_processor.settings import RedisSettings

log = logging.getLogger(__name__)

# What a lost or silent Redis raises; redis-py lets the operating system's errors through, and
# uvloop raises RuntimeError for a write to a connection that was closed a moment ago.
REDIS_AWAY = (RedisError, OSError, TimeoutError, RuntimeError)

# A Redis that is stopped but still connected must not hold a caller longer than this.
SOCKET_TIMEOUT = 5.0

# Payloads outlive every backlog (ARQ's default is a day).
JOB_LIFETIME_MS = 30 * 24 * 3600 * 1000


def connect(settings: RedisSettings) -> ArqRedis:
    # Jobs are msgpack, never pickle.
    pool = BlockingConnectionPool.from_url(
        settings.address(),
        max_connections=64,
        timeout=SOCKET_TIMEOUT,
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=2,
        socket_keepalive=True,
        health_check_interval=30,
        # One quick retry heals a connection that broke while idle; a longer outage is the
        # caller's to wait out.
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError],
    )
    return ArqRedis(
        pool_or_conn=pool,
        job_serializer=msgpack.packb,
        job_deserializer=msgpack.unpackb,
        expires_extra_ms=JOB_LIFETIME_MS,
    )


async def close(redis: ArqRedis) -> None:
    await redis.aclose(close_connection_pool=True)


class redis_errors:  # noqa: N801
    """Turns what redis-py raises into QueueUnavailable."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, REDIS_AWAY):
            raise QueueUnavailable("Redis can't be reached; jobs wait until it is back.") from error
