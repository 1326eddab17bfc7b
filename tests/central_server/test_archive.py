"""File, row and line are kept in step, whatever is cut short."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from media_processor.central_server import postgresql
from media_processor.central_server.activity_log import ActivityLog
from media_processor.central_server.catalogue import Entry, metadata
from media_processor.central_server.database import MIGRATIONS, newest_revision, open_database
from media_processor.errors import (
    CatalogueUnavailable,
    MediaConflict,
    SetupError,
    StorageFailing,
    StorageFull,
)
from media_processor.ids import new_media_id
from tests.central_server.place import Place, delivery
from tests.postgres import Postgres
from tests.storage.conformance import left_over


@pytest.fixture
def place(tmp_path: Path, database: Path | str) -> Iterator[Place]:
    place = Place(tmp_path, database)
    yield place
    place.close()


def test_a_picture_is_stored_with_row_and_line(place: Place) -> None:
    archive = place.open()
    given = delivery(archive)
    receipt, is_new = archive.store(given)

    assert is_new
    assert (place.root / receipt.stored_path).read_bytes() == b"picture"
    assert archive.catalogue.newest(None, 10)[0].sha256 == receipt.sha256
    assert place.lines() == [
        f"[{receipt.stored_at.astimezone():%Y-%m-%d %H:%M:%S}] WORKER: worker-1 | IMAGE: a.jpg"
    ]


def test_the_same_delivery_again_changes_nothing(place: Place) -> None:
    archive = place.open()
    media_id = new_media_id()
    first = archive.store(delivery(archive, media_id=media_id))
    again = archive.store(delivery(archive, media_id=media_id))

    assert again == (first[0], False)
    assert (len(place.files()), len(place.lines())) == (1, 1)


def test_other_bytes_for_the_same_media_are_refused(place: Place) -> None:
    archive = place.open()
    media_id = new_media_id()
    archive.store(delivery(archive, media_id=media_id))
    with pytest.raises(MediaConflict):
        archive.store(delivery(archive, b"other", media_id=media_id))

    assert [path.read_bytes() for path in place.files()] == [b"picture"]
    assert len(place.lines()) == 1


def test_fifty_concurrent_deliveries_of_one_media_store_it_once(place: Place) -> None:
    archive = place.open()
    media_id = new_media_id()
    results: list[bool] = []

    def deliver() -> None:
        results.append(archive.store(delivery(archive, media_id=media_id))[1])

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(results), results.count(True)) == (50, 1)
    assert (len(place.files()), len(place.lines())) == (1, 1)


@pytest.mark.parametrize("torn_to", [0, 1, 20])
def test_a_line_that_a_crash_cut_off_is_completed_at_the_next_start(
    place: Place, torn_to: int
) -> None:
    archive = place.open()
    archive.store(delivery(archive, name="ä.jpg"))
    before = place.log.stat().st_size
    archive.store(delivery(archive, name="ö.jpg"))
    whole = place.log.read_bytes()
    place.log.write_bytes(whole[: before + torn_to])

    archive = place.open()
    assert place.log.read_bytes() == whole
    archive.store(delivery(archive, name="c.jpg"))
    assert len(place.lines()) == 3


def test_a_line_that_is_missing_is_completed_by_the_next_delivery(place: Place) -> None:
    archive = place.open()
    media_id = new_media_id()
    archive.store(delivery(archive, media_id=media_id))
    whole = place.log.read_bytes()
    place.log.write_bytes(b"")

    archive.store(delivery(archive, media_id=media_id))
    assert place.log.read_bytes() == whole


def test_a_row_is_confirmed_only_once_its_line_is_written(place: Place) -> None:
    archive = place.open()
    archive.store(delivery(archive))
    media_id = new_media_id()
    with (
        patch.object(ActivityLog, "put", side_effect=StorageFailing("bad sector")),
        pytest.raises(StorageFailing),
    ):
        archive.store(delivery(archive, media_id=media_id))
    entry = archive.catalogue.find(media_id)
    assert entry
    with (
        patch.object(ActivityLog, "put", side_effect=StorageFailing("bad sector")),
        pytest.raises(StorageFailing),
    ):
        archive.confirm(entry)
    assert len(place.lines()) == 1
    archive.confirm(entry)
    archive.confirm(entry)
    assert len(place.lines()) == 2


@pytest.mark.parametrize("name", ["worker_activity.log.chain", "worker_activity.log"])
def test_a_log_that_can_not_be_opened_waits_for_the_next_delivery(place: Place, name: str) -> None:
    archive, real = place.open(), os.open

    def refuse(path: str, *more: int) -> int:
        if Path(path).name == name:
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, *more)

    media_id = new_media_id()
    with patch.object(os, "open", refuse), pytest.raises(StorageFailing):
        archive.store(delivery(archive, media_id=media_id))
    assert place.lines() == []
    archive.store(delivery(archive, media_id=media_id))
    assert (len(place.files()), len(place.lines())) == (1, 1)


def test_a_lost_log_is_written_again_from_the_catalogue(place: Place) -> None:
    archive = place.open()
    for name in ("a.jpg", "b.jpg", "ü.jpg"):
        archive.store(delivery(archive, name=name))
    whole = place.log.read_bytes()
    place.log.unlink()

    place.open()
    assert place.log.read_bytes() == whole


def test_lines_that_the_catalogue_does_not_know_stay(place: Place) -> None:
    """The catalogue was lost, or the log is an older system's."""
    place.log.write_text("[2020-01-01 00:00:00] WORKER: old | IMAGE: old.jpg\n")
    archive = place.open()
    archive.store(delivery(archive))

    assert len(place.lines()) == 2
    newest, oldest = archive.log.last(10)
    assert (newest.image, oldest.worker, oldest.image) == ("a.jpg", "old", "old.jpg")


def test_a_file_without_a_row_is_taken_over_by_the_next_delivery(place: Place) -> None:
    archive = place.open()
    given = delivery(archive)
    orphan = place.root / archive.store(given)[0].stored_path
    with archive.catalogue.database.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM stored_media"))

    _, is_new = archive.store(delivery(archive, media_id=given.media_id))
    assert is_new
    assert place.files() == [orphan]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_commit_is_synced(place: Place) -> None:
    with place.open().catalogue.database.engine.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2


def test_the_migrations_make_the_schema_that_the_code_uses(place: Place) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with place.open().catalogue.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()


def test_a_current_catalogue_is_opened_without_alembic(place: Place) -> None:
    archive = place.open()
    archive.store(delivery(archive))
    place.close()
    code = (
        "import sys; from media_processor.central_server.catalogue import open_catalogue; "
        "from pathlib import Path; where = sys.argv[1]; "
        "open_catalogue(where if '://' in where else Path(where)).close(); "
        "assert not [name for name in sys.modules if name.startswith('alembic')]"
    )
    subprocess.run([sys.executable, "-c", code, str(place.database)], check=True)
    assert len(place.open().catalogue.newest(None, 10)) == 1


def test_a_catalogue_of_a_newer_version_is_refused(place: Place) -> None:
    with place.open().catalogue.database.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9000'"))
    with pytest.raises(SetupError, match="revision 9000"):
        place.open()


@pytest.mark.parametrize("fault", ["emptied", "removed", "torn"])
def test_a_log_that_is_damaged_while_running_is_completed(place: Place, fault: str) -> None:
    """Rotation, a hand that slipped, a write that failed: deliveries go on."""
    archive = place.open()
    for name in ("a.jpg", "b.jpg"):
        archive.store(delivery(archive, name=name))
    whole = place.log.read_bytes()
    if fault == "removed":
        place.log.unlink()
    else:
        place.log.write_bytes(b"" if fault == "emptied" else whole[:-9])

    archive.store(delivery(archive, name="c.jpg"))
    assert place.log.read_bytes().startswith(whole)
    assert len(place.lines()) == 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_catalogue_is_said_so_and_leaves_no_file(place: Place) -> None:
    archive = place.open()
    archive.store(delivery(archive))
    with archive.catalogue.database.engine.connect() as connection:
        pages = connection.execute(sa.text("PRAGMA page_count")).scalar()

    def limit(connection: Any, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    archive.catalogue.database.engine.dispose()
    sa.event.listen(archive.catalogue.database.engine, "connect", limit)

    def fill() -> None:
        for _ in range(99):
            archive.store(delivery(archive, name="x" * 200))  # soon more than a page

    with pytest.raises(StorageFull):
        fill()
    rows = len(archive.catalogue.newest(None, 500))
    assert len(place.files()) == rows == len(place.lines())
    assert left_over(archive.storage) == []


def test_a_row_that_is_there_although_its_commit_met_an_error_is_gone_on_from(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the connection to the database breaks before the answer comes."""
    archive = place.open()
    doubtful, next_one = delivery(archive), delivery(archive, name="b.jpg")
    real = archive.catalogue.add

    def add(entry: Entry) -> None:
        real(entry)
        raise CatalogueUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(archive.catalogue, "add", add)
        with pytest.raises(CatalogueUnavailable):
            archive.store(doubtful)

    archive.store(next_one)
    again = delivery(archive, media_id=doubtful.media_id)
    assert archive.store(again)[1] is False
    assert [line.rpartition(" ")[2] for line in place.lines()] == ["a.jpg", "b.jpg"]
    assert len(place.files()) == 2


@pytest.mark.slow
def test_a_postgresql_that_was_restarted_costs_nothing(tmp_path: Path, postgres: Postgres) -> None:
    place = Place(tmp_path, postgres.new_database())
    archive = place.open()
    archive.store(delivery(archive))
    postgres.stop()
    postgres.start()

    archive.store(delivery(archive, name="b.jpg"))
    assert len(archive.catalogue.newest(None, 10)) == len(place.lines()) == 2
    place.close()


@pytest.mark.slow
def test_a_postgresql_that_is_away_is_told_and_waited_for(
    tmp_path: Path, postgres: Postgres
) -> None:
    place = Place(tmp_path, postgres.new_database())
    archive = place.open()
    media_id = new_media_id()
    postgres.stop()
    with pytest.raises(CatalogueUnavailable):
        archive.store(delivery(archive, media_id=media_id))
    with pytest.raises(CatalogueUnavailable):
        archive.catalogue.database.ping()

    postgres.start()
    assert archive.store(delivery(archive, media_id=media_id))[1] is True
    assert (len(place.files()), len(place.lines())) == (1, 1)
    place.close()


@pytest.mark.parametrize(("sqlstate", "told"), [("53100", StorageFull), ("58030", StorageFailing)])
def test_what_postgresql_says_of_its_disk_is_understood(
    tmp_path: Path, postgres: Postgres, sqlstate: str, told: type[Exception]
) -> None:
    database = postgres.new_database()
    place = Place(tmp_path, database)
    archive = place.open()
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$".encode()
        )
        connection.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON stored_media EXECUTE FUNCTION fail()"
        )
    with pytest.raises(told):
        archive.store(delivery(archive))

    assert place.lines() == []
    place.close()


def test_a_second_server_on_the_same_postgresql_is_refused(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_PREDECESSOR", 0.1)
    database = postgres.new_database()
    one, other = Place(tmp_path / "one", database), Place(tmp_path / "other", database)
    one.open()
    with pytest.raises(SetupError, match="Another central server is using this database"):
        other.open()
    one.close()
    archive = other.open()
    assert archive.store(delivery(archive))[1] is True
    other.close()


@pytest.mark.slow
def test_a_server_that_lost_its_lock_to_another_stores_nothing(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_PREDECESSOR", 0.1)
    database = postgres.new_database()
    one, other = Place(tmp_path / "one", database), Place(tmp_path / "other", database)
    first = one.open()
    postgres.stop()
    postgres.start()
    other.open()
    with pytest.raises(CatalogueUnavailable, match="Another central server"):
        first.store(delivery(first))
    with pytest.raises(CatalogueUnavailable, match="Another central server"):
        first.catalogue.database.ping()
    other.close()
    assert first.store(delivery(first))[1] is True
    one.close()


@pytest.mark.slow
def test_a_postgresql_that_says_nothing_is_not_waited_for(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql.Connection, "silence", 0.3)
    monkeypatch.setattr(postgresql, "ARGUMENTS", postgresql.ARGUMENTS | {"connect_timeout": 2})
    place = Place(tmp_path, postgres.new_database())
    archive = place.open()
    media_id = new_media_id()
    with postgres.paused():
        with pytest.raises(CatalogueUnavailable):
            archive.catalogue.database.ping()
        with pytest.raises(CatalogueUnavailable):
            archive.store(delivery(archive, media_id=media_id))
    assert archive.store(delivery(archive, media_id=media_id))[1] is True
    place.close()


def test_a_row_that_somebody_locked_is_not_waited_for(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = postgresql.ARGUMENTS | {"options": "-c lock_timeout=100ms"}
    monkeypatch.setattr(postgresql, "ARGUMENTS", limits)
    database = postgres.new_database()
    place = Place(tmp_path, database)
    archive = place.open()
    with psycopg.connect(database) as connection:
        connection.execute("LOCK TABLE stored_media")
        with pytest.raises(CatalogueUnavailable):
            archive.store(delivery(archive))
    assert archive.store(delivery(archive))[1] is True
    place.close()


def test_a_postgresql_that_only_reads_is_told(tmp_path: Path, postgres: Postgres) -> None:
    place = Place(tmp_path, postgres.new_database())
    archive = place.open()
    with archive.catalogue.database.writing() as connection:
        connection.execute(sa.text("SET default_transaction_read_only = on"))
    with pytest.raises(CatalogueUnavailable):
        archive.store(delivery(archive))
    with pytest.raises(CatalogueUnavailable, match="takes no changes"):
        archive.catalogue.database.ping()
    place.close()


def test_a_migration_has_no_limit_on_time(postgres: Postgres) -> None:
    database = open_database(postgres.new_database())
    limits = ("statement_timeout", "idle_in_transaction_session_timeout")
    with database.writing() as connection, postgresql.without_limits(connection):
        for limit in limits:
            assert connection.execute(sa.text(f"SHOW {limit}")).scalar() == "0", limit
    database.close()
