"""Connections to Redis that survive an outage, and what it means when Redis can't be used."""

import logging
import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgpack
from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import (
    AbstractConnection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from media_processor.errors import QueueUnavailable
from media_processor.settings import RedisSettings

log = logging.getLogger(__name__)

T = TypeVar("T")

# What a lost or silent Redis raises; redis-py lets the operating system's errors through, and
# uvloop raises RuntimeError for a write to a connection that was closed a moment ago.
REDIS_AWAY = (RedisError, OSError, TimeoutError, RuntimeError)

# A Redis that is stopped but still connected must not hold a caller longer than this.
SOCKET_TIMEOUT = 5.0
_CONNECT_TIMEOUT = 2.0
_HANDSHAKE_TIMEOUT = 1.5

# Payloads outlive every backlog (ARQ's default is a day).
JOB_LIFETIME_MS = 30 * 24 * 3600 * 1000

TOO_OLD = "This Redis is too old: media-processor needs Redis 6.0 or newer, or Valkey."

AWAY = "Redis can't be reached; jobs wait until it is back."
_CLOSED = "closed before the first answer"

# What is in the texts of redis-py, OpenSSL and the server, and what it means to an operator.
_MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"FOREIGN (media:(\S+):spool) \S+ (\S*) ?(.*)",
        r"REDIS_PREFIX \2 belongs to another spool (\4 on \3), so this process takes no jobs: "
        r"give each spool a prefix of its own. If that spool is gone for good, delete the key \1.",
    ),
    (
        r"Authentication required|NOAUTH",
        "Redis wants a password: set REDIS_PASSWORD, or put it into REDIS_URL if that is set.",
    ),
    (
        r"without any password|no password is set",
        "Redis has no password: unset REDIS_PASSWORD, or remove it from REDIS_URL.",
    ),
    (
        r"invalid username-password|invalid password|Invalid Username or Password|WRONGPASS",
        "Redis refuses the user name or password: correct REDIS_PASSWORD, or those in REDIS_URL.",
    ),
    (
        r"(?i)no permissions? to|NOPERM|ACL failure|can't run this command",
        "Redis doesn't allow its user what is needed: grant the rights that docs/configuration.md "
        "lists.",
    ),
    (
        r"(?i)DB index is out of range|invalid DB index|Invalid Database",
        "Redis has no database of this number: correct the one at the end of REDIS_URL.",
    ),
    (
        r"in cluster mode|CROSSSLOT|CLUSTERDOWN|MovedError",
        "This Redis is a cluster, which media-processor can't use: name a single server.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "The certificate of Redis isn't trusted: add ?ssl_ca_certs=FILE, with the certificate of "
        "its authority, to REDIS_URL.",
    ),
    (
        r"\[SSL|SSL handshake|EOF occurred",
        "Redis doesn't speak TLS at this address: REDIS_URL must begin with redis://, or name "
        "another port.",
    ),
    (
        rf"\\x15|{_CLOSED}",
        "Redis closes every connection at once: if it expects TLS, REDIS_URL must begin with "
        "rediss://; else its log says why.",
    ),
    (
        r"(?i)protocol error",
        "What answers at this address isn't Redis: correct REDIS_HOST, REDIS_PORT or REDIS_URL.",
    ),
    (
        r"protected mode",
        "Redis is in protected mode and takes only local connections: give it a password.",
    ),
    (
        r"read only replica|READONLY|MASTERDOWN",
        "This Redis is a replica, which can't be written to: name its primary in REDIS_HOST or "
        "REDIS_URL.",
    ),
    (
        r"NOREPLICAS",
        "Redis refuses writes because too few of its replicas are connected "
        "(min-replicas-to-write).",
    ),
    (
        r"'maxmemory'",
        "Redis is out of memory: raise its maxmemory. Jobs wait until then.",
    ),
    (
        r"MISCONF",
        "Redis refuses writes because it can't save to its disk: its log says why. Jobs wait until "
        "then.",
    ),
    (
        r"unknown command|timeout is not an integer|non deterministic commands",
        TOO_OLD,
    ),
    (r"max number of clients", "Redis takes no more connections: raise its maxclients."),
    (r"loading the dataset", "Redis is still loading its data; jobs wait until it is ready."),
    (
        r"(?i)name or service not known|name resolution|no address associated|nodename nor",
        "The host of Redis can't be found: correct REDIS_HOST or REDIS_URL.",
    ),
)


def connect(settings: RedisSettings) -> ArqRedis:
    # Jobs are msgpack, never pickle.
    pool = BlockingConnectionPool.from_url(
        settings.address(),
        max_connections=64,
        timeout=SOCKET_TIMEOUT,
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=_CONNECT_TIMEOUT,
        health_check_interval=30,
        # One quick retry heals a connection that broke while idle; a longer outage is the
        # caller's to wait out.
        retry=_RetryOutages(ExponentialBackoff(cap=0.2, base=0.05), 1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError, OSError],
        redis_connect_func=_greet,
        lib_name=None,
        lib_version=None,
    )
    if pool.connection_class is SSLConnection:
        pool.connection_class = _TlsConnection
    if pool.connection_class is not UnixDomainSocketConnection:
        pool.connection_kwargs.setdefault("socket_keepalive", True)
    return ArqRedis(
        pool_or_conn=pool,
        job_serializer=msgpack.packb,
        job_deserializer=msgpack.unpackb,
        expires_extra_ms=JOB_LIFETIME_MS,
    )


async def close(redis: ArqRedis) -> None:
    await redis.aclose(close_connection_pool=True)


def explain(error: BaseException) -> str:
    """What an error of Redis means to an operator, and what to do."""
    told = " ".join(f"{type(one).__name__} {one}" for one in _causes(error))
    for text, meaning in _MEANINGS:
        if found := re.search(text, told):
            return found.expand(meaning)
    return AWAY


class redis_errors:  # noqa: N801
    """Turns what redis-py raises into QueueUnavailable, which says what it means."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, REDIS_AWAY):
            raise QueueUnavailable(explain(error)) from error


class OutageLog:
    """Says once, for each reason, that Redis can't be used, and once that it is back, however many
    parts of a process find out."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def away(self, part: str, error: BaseException) -> None:
        reason = explain(error)
        if reason not in self._reasons.values():
            log.warning("🔌 %s (%s) Retrying every second.", reason, error)
        self._reasons[part] = reason

    def back(self, part: str) -> None:
        if self._reasons.pop(part, None) and not self._reasons:
            log.info("🔌 Redis is back")


class _Refused(RedisError):
    """Redis refuses the caller, and will do so again."""


class _RetryOutages(Retry):
    # To redis-py a refusal is a kind of broken connection.
    async def call_with_retry(
        self, do: Callable[[], Awaitable[T]], fail: Callable[[RedisError], Any]
    ) -> T:
        async def attempt() -> T:
            try:
                return await do()
            except (AuthenticationError, AuthorizationError, ConnectionAbortedError) as error:
                raise _Refused(str(error)) from error

        return await super().call_with_retry(attempt, fail)


class _TlsConnection(SSLConnection):
    # A Redis without TLS says nothing. This ends before the connection's own timeout, and tells.
    def _connection_arguments(self) -> Mapping[str, Any]:
        return {**super()._connection_arguments(), "ssl_handshake_timeout": _HANDSHAKE_TIMEOUT}


async def _greet(connection: AbstractConnection) -> None:
    # redis-py checks a connection's health even while it greets, and a failed check connects and
    # greets anew: without end if Redis refuses every command. The first answer sets the time of
    # the next check.
    connection.next_health_check = math.inf
    try:
        await connection.on_connect()
        await _ping(connection)
    except (AuthenticationError, AuthorizationError):
        raise
    except RedisConnectionError as error:
        if "closed by server" in str(error) or "reset by peer" in str(error):
            raise RedisConnectionError(f"{_CLOSED}: {error}") from error
        raise


async def _ping(connection: AbstractConnection) -> None:
    # So that whatever refuses every command is met here.
    await connection.send_command("PING", check_health=False)
    try:
        await connection.read_response()
    except ResponseError as error:
        if "protected mode" in str(error):
            raise
        # Such as a missing right: whoever needs more than PING will meet it too.


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__
