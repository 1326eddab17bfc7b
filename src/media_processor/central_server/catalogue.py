"""The catalogue: the truth about what is stored. SQLAlchemy Core, schema by Alembic."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from media_processor.central_server.activity_log import LogLine
from media_processor.errors import StorageFull
from media_processor.messages import Receipt, StoredMedia

metadata = sa.MetaData()


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Times as text, ISO 8601 in UTC: the same in every database, sortable, legible."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return value.isoformat() if value else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return datetime.fromisoformat(value) if value else None


stored = sa.Table(
    "stored_media",
    metadata,
    sa.Column("media_id", sa.String(36), primary_key=True),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("worker_name", sa.Text, nullable=False),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("stored_path", sa.Text, nullable=False, unique=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
    sa.Column("log_offset", sa.BigInteger, nullable=False, unique=True),
    sa.Column("log_end", sa.BigInteger, nullable=False, unique=True),
    sa.Column("log_line", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """A stored picture and its line in the activity log."""

    media: StoredMedia
    line: LogLine

    @property
    def receipt(self) -> Receipt:
        """The archive's word that it has the picture."""
        return Receipt(**self.media.model_dump(include=set(Receipt.model_fields)))


class Catalogue:
    """Every stored picture. Every method blocks, so call it from a thread."""

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _durable_sqlite)
        self._upgrade()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def find(self, media_id: str) -> Entry | None:
        """The entry of a media, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(stored.select().where(stored.c.media_id == media_id)).first()
        return _entry(row) if row else None

    def add(self, entry: Entry) -> None:
        """Durably add an entry whose media is not in the catalogue yet.

        Raises:
            StorageFull: the database has no room; nothing was added.
        """
        values = entry.media.model_dump()
        line = entry.line
        values |= {"log_offset": line.offset, "log_end": line.end, "log_line": line.text}
        try:
            with self._engine.begin() as connection:
                connection.execute(stored.insert().values(values))
        except sa.exc.OperationalError as error:
            if _is_full(error.orig):
                raise StorageFull("The catalogue's disk is full. Send it again later.") from error
            raise

    def newest(self, before: str | None, limit: int) -> list[StoredMedia]:
        """At most ``limit`` pictures, newest id first, older than the id ``before``."""
        query = stored.select().order_by(stored.c.media_id.desc()).limit(limit)
        if before:
            query = query.where(stored.c.media_id < before)
        with self._engine.connect() as connection:
            return [_entry(row).media for row in connection.execute(query)]

    def lines_from(self, offset: int) -> Iterable[LogLine]:
        """The log lines that end behind ``offset``, in the order of their places."""
        query = stored.select().where(stored.c.log_end > offset).order_by(stored.c.log_offset)
        with self._engine.connect() as connection:
            return [_entry(row).line for row in connection.execute(query)]

    def log_end(self) -> int:
        """Where the next log line goes: behind the last one that the catalogue knows."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.max(stored.c.log_end))).scalar() or 0

    def ping(self) -> None:
        """Raise SQLAlchemyError unless the database answers."""
        with self._engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))

    def _upgrade(self) -> None:
        with as_file(files("media_processor.central_server") / "migrations") as folder:
            config = Config()
            config.set_main_option("script_location", str(folder).replace("%", "%%"))
            with self._engine.begin() as connection:
                current = MigrationContext.configure(connection).get_current_revision()
                if current != ScriptDirectory.from_config(config).get_current_head():
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")


def open_catalogue(file: Path) -> Catalogue:
    """The catalogue in an SQLite file."""
    return Catalogue(sa.URL.create("sqlite", database=str(file)))


def _is_full(error: BaseException | None) -> bool:
    """SQLite's SQLITE_FULL or PostgreSQL's disk_full (its appendix A)."""
    return (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(error, "sqlstate", None) == "53100"
    )


def _durable_sqlite(connection: Any, _: object) -> None:
    # WAL lets readers read while a picture is stored; FULL syncs every commit.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")


def _entry(row: sa.Row[Any]) -> Entry:
    values = dict(row._mapping)
    line = LogLine(values.pop("log_offset"), values.pop("log_line"))
    values.pop("log_end")
    return Entry(StoredMedia.model_validate(values), line)
