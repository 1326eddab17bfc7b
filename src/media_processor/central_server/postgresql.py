"""What PostgreSQL needs besides: limits on time, and a lock that only one central server holds."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from media_processor.errors import CatalogueUnavailable

# An advisory lock is one number within a database: this is "media-pr" in ASCII.
_LOCK = 0x6D656469612D7072

# All in seconds, and shorter than the 15 that a worker waits for an answer. The server ends what
# takes longer than the first two; the third is for a server that says nothing at all.
_STATEMENT, _LOCKED, _SILENCE = 10, 5, 12.0

# How long the session of a central server that was just killed may live on.
_PREDECESSOR = 3.0

# With the first three, a session whose client vanished gives the lock free after half a minute, not
# after two hours.
_OPTIONS = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
    f"-c statement_timeout={_STATEMENT}s -c lock_timeout={_LOCKED}s "
    f"-c idle_in_transaction_session_timeout={_STATEMENT}s"
)

ARGUMENTS: dict[str, object] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "options": _OPTIONS,
}
"""Arguments of a connection, unless the URL has its own."""


class Connection(psycopg.Connection[Any]):
    """Gives up on a server that doesn't answer; psycopg itself would wait for ever."""

    silence: float | None = _SILENCE

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            return super().wait(gen, interval, self.silence if timeout is None else timeout)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()  # what it may say yet would be taken for the next answer
            raise psycopg.OperationalError(
                f"the server has not answered for {self.silence:g} s"
            ) from None


def use_connection(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "do_connect")
    def connect(_: Any, __: Any, arguments: Any, named: Any) -> Connection:
        return Connection.connect(*arguments, **named)


@contextmanager
def without_limits(connection: sa.Connection) -> Iterator[None]:
    """A migration takes the time it takes."""
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(sa.text(f"SET LOCAL {limit} = 0"))
    driver = connection.connection.dbapi_connection
    if not isinstance(driver, Connection):
        raise TypeError(f"{driver} is no connection of ours")
    driver.silence, before = None, driver.silence
    try:
        yield
    finally:
        driver.silence = before


class OnlyWriter:
    """The one connection that writes: its session holds the lock, so a write that succeeds proves
    that no other central server writes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._one_at_a_time = threading.Lock()
        self._connection: sa.Connection | None = None

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Raises CatalogueUnavailable: another central server holds the lock."""
        with self._one_at_a_time:
            connection = self._alive() or self._connect()
            with connection.begin():
                yield connection

    @staticmethod
    def only_reads(connection: sa.Connection) -> bool:
        """Whether the server is a standby, or was told to be read-only."""
        return connection.execute(sa.text("SHOW transaction_read_only")).scalar() == "on"

    def close(self) -> None:
        if self._connection:
            self._connection.invalidate()  # back in the pool, it would still hold the lock
            self._connection.close()
            self._connection = None

    def _alive(self) -> sa.Connection | None:
        connection = self._connection
        if connection is None or connection.invalidated:
            self.close()
            return None
        try:
            with connection.begin():
                connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            self.close()
            return None
        return connection

    def _connect(self) -> sa.Connection:
        connection = self._engine.connect()
        try:
            if not _in_time(lambda: _lock(connection)):
                raise CatalogueUnavailable(
                    "Another central server is using this database. Stop it, or set DATABASE_URL "
                    "to another one."
                )
        except BaseException:
            connection.invalidate()  # its session may have the lock
            connection.close()
            raise
        self._connection = connection
        return connection


def _lock(connection: sa.Connection) -> bool:
    with connection.begin():
        query = sa.select(sa.func.pg_try_advisory_lock(_LOCK))
        return bool(connection.execute(query).scalar())


def _in_time(attempt: Callable[[], bool]) -> bool:
    until = time.monotonic() + _PREDECESSOR
    while not attempt():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
