"""What an operator needs to know of a Redis server: version, persistence, memory, clock."""

import time
from dataclasses import dataclass

from media_processor.jobs.connection import close, connect, redis_errors
from media_processor.settings import RedisSettings


@dataclass(frozen=True)
class ServerInfo:
    """``server`` as "Valkey 9.0.1"; ``policy`` is its maxmemory-policy and ``max_memory`` the
    limit in bytes, 0 for none; ``skew_seconds`` is how far its clock is before ours."""

    server: str
    keeps_a_file: bool
    policy: str
    max_memory: int
    skew_seconds: float


async def read_server_info(settings: RedisSettings) -> ServerInfo:
    # INFO and TIME alone, which hosted servers allow too.
    redis = connect(settings)
    try:
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
