"""Whether a Redis server lets us work, and what an operator needs to know of it."""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from arq.connections import ArqRedis
from redis.exceptions import NoPermissionError

from media_processor.errors import QueueUnavailable
from media_processor.jobs.connection import TOO_OLD, close, connect, redis_errors
from media_processor.jobs.keys import PROBES
from media_processor.jobs.scripts import PROBE
from media_processor.settings import RedisSettings

# BLPOP takes fractions of a second from 6.0 on; scripts may write after TIME from 5.0 on.
_OLDEST = (6, 0)


@dataclass(frozen=True)
class ServerInfo:
    """``server`` as "Valkey 9.0.1"; ``policy`` is its maxmemory-policy and ``max_memory`` the
    limit in bytes, 0 for none; ``skew_seconds`` is how far its clock is before ours."""

    server: str
    keeps_a_file: bool
    policy: str
    max_memory: int
    skew_seconds: float


async def check_server(redis: ArqRedis) -> None:
    """Raises QueueUnavailable if Redis can't be reached, refuses us, or is too old."""
    with redis_errors():
        await redis.register_script(PROBE)(keys=PROBES)
        with suppress(NoPermissionError):
            _check_version(await redis.info("server"))


def _check_version(info: Mapping[str, Any]) -> None:
    # Valkey tells the version of Redis that it is compatible with here.
    numbers = re.findall(r"\d+", str(info.get("redis_version", "")))
    if numbers and tuple(map(int, numbers[:2])) < _OLDEST:
        raise QueueUnavailable(TOO_OLD)


async def check_redis(settings: RedisSettings) -> None:
    """``check_server`` over a connection of its own."""
    redis = connect(settings)
    try:
        await check_server(redis)
    finally:
        await close(redis)


async def read_server_info(settings: RedisSettings) -> ServerInfo:
    """Raises QueueUnavailable like ``check_server``."""
    # INFO and TIME alone, which hosted servers allow too.
    redis = connect(settings)
    try:
        await check_server(redis)
        with redis_errors():
            found = await redis.info()
            before = time.time()
            seconds, microseconds = await redis.time()
            skew = seconds + microseconds / 1e6 - (before + time.time()) / 2
    finally:
        await close(redis)
    is_valkey = "valkey_version" in found
    version = found["valkey_version" if is_valkey else "redis_version"]
    return ServerInfo(
        server=f"{'Valkey' if is_valkey else 'Redis'} {version}",
        keeps_a_file=bool(found.get("aof_enabled")),
        policy=str(found.get("maxmemory_policy", "unknown")),
        max_memory=int(found.get("maxmemory", 0)),
        skew_seconds=skew,
    )
