"""The database that a catalogue is in, SQLite or PostgreSQL: opened, kept up, its faults told."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from media_processor.errors import (
    CatalogueUnavailable,
    MediaProcessorError,
    SetupError,
    StorageFailing,
    StorageFull,
)

log = logging.getLogger(__name__)

# A database host that is gone without a word is given up before a worker's 15 s are over.
_PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 10_000}


class Database:
    """Connections to it. Every method blocks, so call it from a thread."""

    def __init__(self, url: sa.URL) -> None:
        self.engine = _engine(url)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection, whose work is committed at the end.

        Raises:
            StorageFull: the database has no room; nothing was changed.
            StorageFailing: its disk met an error.
            CatalogueUnavailable: it doesn't answer; what was to be committed may be or not.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            raise _told(error) from error

    def ping(self) -> None:
        """Raise CatalogueUnavailable unless the database answers."""
        with self.transaction() as connection:
            connection.execute(sa.text("SELECT 1"))

    def is_current(self) -> bool:
        """Whether the database holds a catalogue of this version."""
        with _migrations() as config, self.engine.connect() as connection:
            return _version(connection) == _newest(config)

    def upgrade(self) -> None:
        """Make the catalogue, or bring it up to this version."""
        with _migrations() as config, self.engine.begin() as connection:
            if _version(connection) != _newest(config):
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def open_database(where: Path | str, *, must_exist: bool = False) -> Database:
    """An SQLite file, or the database at an SQLAlchemy URL.

    The catalogue in it is made, or brought up to this version, unless it ``must_exist`` as it
    should be.

    Raises:
        SetupError: it can't be opened, or isn't there; nothing was made.
    """
    with readable():
        if isinstance(where, Path):
            url = sa.URL.create("sqlite", database=str(where))
        else:
            url = sa.make_url(where)
        if must_exist and _is_blank(url):
            raise SetupError(f"There is no catalogue at {url.database}.")
        database = Database(url)
        if not must_exist:
            database.upgrade()
        elif not database.is_current():
            raise SetupError(
                "The catalogue is empty or of another version. Is it the right one? Starting "
                "the central server brings it up to date."
            )
    return database


@contextmanager
def readable() -> Iterator[None]:
    """Say in one line what is wrong with a database.

    Raises:
        SetupError: in place of what SQLAlchemy raises.
    """
    try:
        yield
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise SetupError(
            "DATABASE_URL names no database that can be used: sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/NAME."
        ) from error
    except (sa.exc.DBAPIError, CatalogueUnavailable) as error:
        cause = error.__cause__ if isinstance(error, CatalogueUnavailable) else error
        raise SetupError(f"The catalogue can't be read: {_reason(cause)}.") from error


def _is_blank(url: sa.URL) -> bool:
    """Whether opening it would make an SQLite file, or fill an empty one."""
    if url.get_backend_name() != "sqlite":
        return False
    file = Path(url.database or "")
    return not file.is_file() or file.stat().st_size == 0


@contextmanager
def _migrations() -> Iterator[Config]:
    with as_file(files("media_processor.central_server") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        yield config


def _newest(config: Config) -> str | None:
    return ScriptDirectory.from_config(config).get_current_head()


def _version(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", _durable_sqlite)
        return engine
    patience = _PATIENCE if url.get_backend_name() == "postgresql" else {}
    chosen = {name: value for name, value in patience.items() if name not in url.query}
    # Connections that a restart of the database cut are found out before they are used.
    return sa.create_engine(url, pool_pre_ping=True, connect_args=chosen)


def _told(error: sa.exc.DBAPIError) -> MediaProcessorError:
    """What a database that can't do its work is answered with."""
    if _is_full(error.orig):
        return StorageFull("The catalogue's disk is full. Send it again later.")
    if _is_failing(error.orig):
        return StorageFailing("The catalogue's disk fails. Send it again later.")
    log.error("❌ the catalogue's database doesn't answer: %s", _reason(error))
    return CatalogueUnavailable("The catalogue's database doesn't answer. Try again later.")


def _reason(error: BaseException | None) -> str:
    """The database's own words, the first line of them."""
    return str(getattr(error, "orig", error)).partition("\n")[0]


def _is_full(error: BaseException | None) -> bool:
    """SQLite's SQLITE_FULL or PostgreSQL's disk_full (its appendix A)."""
    return (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(error, "sqlstate", None) == "53100"
    )


def _is_failing(error: BaseException | None) -> bool:
    """SQLite's SQLITE_IOERR in any of its forms, or PostgreSQL's io_error."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_IOERR or getattr(error, "sqlstate", None) == "58030"


def _durable_sqlite(connection: Any, _: object) -> None:
    # WAL lets readers read while a picture is stored; FULL syncs every commit.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")
