"""The catalogue's database, SQLite or PostgreSQL: opens it, migrates it, translates its errors."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from media_processor.errors import (
    CatalogueUnavailable,
    MediaProcessorError,
    SetupError,
    StorageFailing,
    StorageFull,
)
from media_processor.installation import missing_part

if TYPE_CHECKING:
    from media_processor.central_server.postgresql import OnlyWriter

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")


class Database:
    """A pool of connections. Every method blocks, so call it from a thread."""

    def __init__(self, url: sa.URL) -> None:
        self.engine = _engine(url)
        self._only_writer: OnlyWriter | None = None
        if url.get_backend_name() == "postgresql":
            from media_processor.central_server.postgresql import OnlyWriter

            self._only_writer = OnlyWriter(self.engine)

    def close(self) -> None:
        if self._only_writer:
            self._only_writer.close()
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection whose work is committed at the end.

        Raises:
            StorageFull: the database has no room; nothing was changed.
            StorageFailing: its disk failed.
            CatalogueUnavailable: it doesn't answer; the work may have been committed or not.
        """
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Like ``transaction``, for what changes the catalogue: one at a time.

        Raises:
            CatalogueUnavailable: another central server writes to this database.
        """
        begin = self._only_writer.begin if self._only_writer else self.engine.begin
        with _translated(), begin() as connection:
            yield connection

    def ping(self) -> None:
        """Raises what ``writing`` raises, if nothing could be written now."""
        with self.writing() as connection:
            _revision(connection)
            if self._only_writer and self._only_writer.only_reads(connection):
                raise CatalogueUnavailable("The catalogue's database takes no changes.")

    def is_current(self) -> bool:
        with self.engine.connect() as connection:
            return _revision(connection) == newest_revision()

    def upgrade(self) -> None:
        with self.writing() as connection:
            revision = _revision(connection)
            if revision is not None and revision > newest_revision():
                raise SetupError(
                    f"The catalogue has schema revision {revision}, but this version of "
                    f"media-processor supports only up to {newest_revision()}. Install the "
                    "version that upgraded it, or a later one."
                )
            if revision != newest_revision():
                _migrate(connection)


def open_database(where: Path | str, *, must_exist: bool = False) -> Database:
    """Open an SQLite file, or the database at an SQLAlchemy URL.

    Creates the catalogue in it, or upgrades it, unless it ``must_exist`` and be current.

    Raises:
        SetupError: it can't be opened, or isn't there; nothing was created.
    """
    with readable():
        if isinstance(where, Path):
            url = sa.URL.create("sqlite", database=str(where))
        else:
            url = sa.make_url(where)
        if must_exist and _is_blank(url):
            raise SetupError(f"There is no catalogue at {url.database}.")
        database = Database(url)
        try:
            if not must_exist:
                database.upgrade()
            elif not database.is_current():
                raise SetupError(
                    "The catalogue is empty or has another schema version. If it is the right "
                    "one, start the central server once to upgrade it."
                )
        except BaseException:
            database.close()
            raise
    return database


@contextmanager
def readable() -> Iterator[None]:
    """Raise SetupError, with one line for the operator, in place of SQLAlchemy's errors."""
    try:
        yield
    except (sa.exc.ArgumentError, ImportError) as error:
        missing = missing_part(error) if isinstance(error, ImportError) else None
        raise missing or SetupError(
            "DATABASE_URL must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
        ) from error
    except CatalogueUnavailable as error:
        if error.__cause__ is None:  # another central server
            raise SetupError(error.detail) from error
        raise SetupError(f"The catalogue can't be read: {_reason(error.__cause__)}.") from error
    except sa.exc.DBAPIError as error:
        raise SetupError(f"The catalogue can't be read: {_reason(error)}.") from error


def _is_blank(url: sa.URL) -> bool:
    # Opening it would create the file, or fill an empty one.
    if url.get_backend_name() != "sqlite":
        return False
    file = Path(url.database or "")
    return not file.is_file() or file.stat().st_size == 0


def newest_revision() -> str:
    return max(file.name for file in (MIGRATIONS / "versions").glob("*.py")).partition("_")[0]


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: sa.Connection) -> None:
    # Alembic takes 0.2 s of CPU to import, and a catalogue is nearly always current.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _without_limits(connection):
        command.upgrade(config, "head")


def _without_limits(connection: sa.Connection) -> AbstractContextManager[None]:
    if connection.dialect.name != "postgresql":
        return nullcontext()
    from media_processor.central_server.postgresql import without_limits

    return without_limits(connection)


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", _durable_sqlite)
        return engine
    if url.get_backend_name() != "postgresql":
        return sa.create_engine(url)
    from media_processor.central_server import postgresql

    chosen = {name: value for name, value in postgresql.ARGUMENTS.items() if name not in url.query}
    # Tests each connection before use: a restart of the database cuts those in the pool.
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args=chosen)
    postgresql.use_connection(engine)
    return engine


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    # psycopg's InternalError is a database that only reads, or a session that was ended.
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError) as error:
        raise _translate(error) from error


def _translate(error: sa.exc.DBAPIError) -> MediaProcessorError:
    if _is_full(error.orig):
        return StorageFull("The catalogue's disk is full. Send the picture again later.")
    if _is_failing(error.orig):
        return StorageFailing(
            "The catalogue's disk reported an error. Send the picture again later."
        )
    log.error("❌ the catalogue's database doesn't answer: %s", _reason(error))
    return CatalogueUnavailable("The catalogue's database doesn't answer. Try again later.")


def _reason(error: BaseException | None) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]


def _is_full(error: BaseException | None) -> bool:
    # SQLite's SQLITE_FULL or PostgreSQL's disk_full (its appendix A).
    return (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(error, "sqlstate", None) == "53100"
    )


def _is_failing(error: BaseException | None) -> bool:
    # SQLite's SQLITE_IOERR in any of its forms, or PostgreSQL's io_error.
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_IOERR or getattr(error, "sqlstate", None) == "58030"


def _durable_sqlite(connection: Any, _: object) -> None:
    # WAL lets readers read while a picture is stored; FULL syncs every commit.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")
