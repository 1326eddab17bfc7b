"""The catalogue: the truth about what is stored. SQLAlchemy Core, schema by Alembic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from media_processor.central_server.activity_log import LogLine
from media_processor.central_server.chain import GENESIS, ChainEntry
from media_processor.central_server.database import Database, open_database
from media_processor.errors import InvalidField
from media_processor.messages.archive import ArchiveQuery, ArchiveSort, StoredMedia
from media_processor.messages.media import MAIN_OWNER

metadata = sa.MetaData()


class UtcDateTime(sa.TypeDecorator[datetime]):
    """Times as text, ISO 8601 in UTC: the same in every database, and sortable as text because
    all have the same length."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return value.isoformat(timespec="microseconds") if value else None

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return datetime.fromisoformat(value) if value else None


stored = sa.Table(
    "stored_media",
    metadata,
    sa.Column("media_id", sa.String(36), primary_key=True),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("worker_name", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False, server_default=MAIN_OWNER),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("stored_path", sa.Text, nullable=False, unique=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("stored_at", UtcDateTime, nullable=False),
    sa.Column("log_offset", sa.BigInteger, nullable=False, unique=True),
    sa.Column("log_end", sa.BigInteger, nullable=False, unique=True),
    sa.Column("log_line", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("chain_hash", sa.String(64)),
    sa.Index("stored_media_sequence", "sequence", unique=True),
    sa.Index("stored_media_filename", "filename", "media_id"),
    sa.Index("stored_media_size", "size", "media_id"),
    sa.Index("stored_media_sha256", "sha256"),
)

# Each ends with the id, so that no two pictures are equal; ids sort by time.
_ORDERS: dict[ArchiveSort, tuple[tuple[sa.Column[Any], ...], bool]] = {
    "newest": ((stored.c.media_id,), True),
    "oldest": ((stored.c.media_id,), False),
    "name": ((stored.c.filename, stored.c.media_id), False),
    "largest": ((stored.c.size, stored.c.media_id), True),
}

# Rows a query: enough to be quick, few enough to hold in memory.
_BATCH = 1000


@dataclass(frozen=True)
class Entry:
    """A stored picture, its line in the activity log and its place in the chain."""

    media: StoredMedia
    line: LogLine
    sequence: int
    chain_hash: str


class Catalogue:
    """Every stored picture. Methods block, so call them from a thread.

    Those that read or write raise CatalogueUnavailable if the database doesn't answer.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def close(self) -> None:
        self.database.close()

    def find(self, media_id: str) -> Entry | None:
        with self.database.transaction() as connection:
            row = connection.execute(stored.select().where(stored.c.media_id == media_id)).first()
        return _entry(row) if row else None

    def with_digest(self, sha256: str, other: StoredMedia) -> str | None:
        """The id of another stored picture, of the same owner, with this digest."""
        same = (stored.c.sha256 == sha256, stored.c.owner == other.owner)
        query = sa.select(stored.c.media_id).where(*same, stored.c.media_id != other.media_id)
        with self.database.transaction() as connection:
            found = connection.execute(query.order_by(stored.c.media_id).limit(1)).scalar()
        return str(found) if found else None

    def add(self, entry: Entry) -> None:
        """Durably add an entry whose media is not in the catalogue yet.

        Raises:
            StorageFull: the database has no room; nothing was added.
            StorageFailing: the disk failed; the row may still appear after a crash.
            CatalogueUnavailable: the connection broke; the row may be there or not.
        """
        values = entry.media.model_dump()
        line = entry.line
        values |= {"log_offset": line.offset, "log_end": line.end, "log_line": line.text}
        values |= {"sequence": entry.sequence, "chain_hash": entry.chain_hash}
        with self.database.writing() as connection:
            connection.execute(stored.insert().values(values))

    def newest(self, before: str | None, limit: int) -> list[StoredMedia]:
        query = stored.select().order_by(stored.c.media_id.desc()).limit(limit)
        if before:
            query = query.where(stored.c.media_id < before)
        with self.database.transaction() as connection:
            return [_entry(row).media for row in connection.execute(query)]

    def search(self, query: ArchiveQuery) -> list[StoredMedia]:
        """At most ``limit + 1`` pictures, so that a next page is seen.

        Raises:
            InvalidField: the cursor is no media of this archive.
        """
        columns, descending = _ORDERS[query.sort]
        found = stored.select().where(*_conditions(query)).limit(query.limit + 1)
        found = found.order_by(*(column.desc() if descending else column for column in columns))
        with self.database.transaction() as connection:
            if query.cursor is not None:
                place = _position(connection, columns, query.cursor)
                key = sa.tuple_(*columns)
                found = found.where(key < place if descending else key > place)
            return [_entry(row).media for row in connection.execute(found)]

    def lines_from(self, offset: int) -> Iterator[LogLine]:
        while page := self._page(stored.c.log_end > offset, stored.c.log_end):
            yield from (entry.line for entry in page)
            offset = page[-1].line.end

    def chain_after(self, sequence: int) -> Iterator[ChainEntry]:
        before = self.at(sequence)
        previous = before.chain_hash if before else GENESIS
        while page := self._page(stored.c.sequence > sequence, stored.c.sequence):
            for entry in page:
                yield chain_entry(entry, previous)
                previous, sequence = entry.chain_hash, entry.sequence

    def every_nth(self, nth: int, after: int, limit: int) -> list[Entry]:
        wanted = sa.and_(stored.c.sequence > after, stored.c.sequence % nth == 0)
        return self._page(wanted, stored.c.sequence, limit)

    def at(self, sequence: int) -> Entry | None:
        return next(iter(self._page(stored.c.sequence == sequence, stored.c.sequence)), None)

    def last(self) -> Entry | None:
        return next(iter(self._page(sa.true(), stored.c.sequence.desc(), 1)), None)

    def _page(
        self,
        wanted: sa.ColumnElement[bool],
        order: sa.ColumnElement[Any],
        limit: int = _BATCH,
    ) -> list[Entry]:
        query = stored.select().where(wanted).order_by(order).limit(limit)
        with self.database.transaction() as connection:
            return [_entry(row) for row in connection.execute(query)]


def open_catalogue(where: Path | str, *, must_exist: bool = False) -> Catalogue:
    """The catalogue in an SQLite file, or in the database at an SQLAlchemy URL.

    It is created or upgraded, unless it ``must_exist`` and be current.

    Raises:
        SetupError: it can't be opened, or isn't there; nothing was created.
    """
    return Catalogue(open_database(where, must_exist=must_exist))


def chain_entry(entry: Entry, previous: str) -> ChainEntry:
    return ChainEntry(
        sequence=entry.sequence,
        offset=entry.line.offset,
        length=entry.line.end - entry.line.offset,
        line=entry.line.text.removesuffix("\n"),
        media_id=entry.media.media_id,
        sha256=entry.media.sha256,
        previous=previous,
        owner=entry.media.owner,
    )


def _conditions(query: ArchiveQuery) -> Iterator[sa.ColumnElement[bool]]:
    if query.name:
        yield stored.c.filename.icontains(query.name, autoescape=True)
    if query.worker:
        yield stored.c.worker_name.icontains(query.worker, autoescape=True)
    if query.earliest:
        yield stored.c.stored_at >= query.earliest
    if query.before:
        yield stored.c.stored_at < query.before


def _position(
    connection: sa.Connection, columns: Sequence[sa.Column[Any]], cursor: str
) -> sa.Tuple:
    last = connection.execute(sa.select(*columns).where(stored.c.media_id == cursor)).first()
    if last is None:
        raise InvalidField("Invalid cursor. Use the 'next' value of the previous page.")
    return sa.tuple_(*last, types=[column.type for column in columns])


def _entry(row: sa.Row[Any]) -> Entry:
    values = dict(row._mapping)
    line = LogLine(values.pop("log_offset"), values.pop("log_line"))
    values.pop("log_end")
    sequence, chain_hash = values.pop("sequence"), values.pop("chain_hash")
    return Entry(StoredMedia.model_validate(values), line, sequence, chain_hash)
