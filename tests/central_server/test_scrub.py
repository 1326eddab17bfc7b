"""Real files, a real catalogue, one byte flipped here and there."""

import json
import os
import random
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from media_processor.central_server.archive import Archive
from media_processor.central_server.catalogue import open_catalogue
from media_processor.central_server.chain import open_signer
from media_processor.central_server.scrub import Scrubbed, scrub
from media_processor.settings import CentralServerSettings
from media_processor.storage.base import Storage
from media_processor.storage.factory import open_archive_storage
from tests.central_server.place import delivery
from tests.cli import shell

COUNT = 1000


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("archive")
    catalogue = open_catalogue(data / "catalogue.sqlite")
    storage = storage_in(data)
    signer = open_signer(data / "audit_key.pem")
    archive = Archive(storage, catalogue, data / "worker_activity.log", signer)
    for number in range(COUNT):
        content = random.Random(number).randbytes(2000)
        archive.store(delivery(archive, content, name=f"{number}.jpg"))
    catalogue.close()
    return data


def storage_in(data: Path) -> Storage:
    return open_archive_storage(CentralServerSettings(media_data_dir=data))


def check(data: Path) -> Scrubbed:
    catalogue = open_catalogue(data / "catalogue.sqlite")
    try:
        return scrub(storage_in(data), catalogue, lambda *_: None)
    finally:
        catalogue.close()


run = partial(shell.run, "scrub")


@pytest.mark.slow
def test_twenty_flipped_bytes_in_a_thousand_files_are_found_and_no_others(data: Path) -> None:
    assert check(data).bad == []
    rng = random.Random(7)
    files = sorted(path for path in data.glob("central_storage/[0-9]*/**/*") if path.is_file())
    chosen = rng.sample(files, 20)
    for path in chosen:
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)

    found = check(data)
    assert (found.files, found.bytes) == (COUNT, COUNT * 2000)
    assert {bad.stored_path for bad in found.bad} == {str(p.relative_to(data)) for p in chosen}
    assert {bad.damage for bad in found.bad} == {"altered"}

    told = run("--data", str(data))
    assert told.returncode == 1
    assert told.stdout.count("altered: ") == 20
    assert "20 damaged or missing: 1,000 files, 2 MB in " in told.stdout
    as_json = json.loads(run("--data", str(data), "--json").stdout)
    assert len(as_json["bad"]) == 20

    for path in chosen[:-3]:
        path.unlink()
    chosen[-1].write_bytes(b"short")
    stray = chosen[0].with_name("stray.jpg")
    stray.write_bytes(b"")
    os.utime(stray, (0, 0))
    again = check(data)
    kinds = [bad.damage for bad in again.bad]
    assert (kinds.count("missing"), kinds.count("altered"), kinds.count("wrong size")) == (17, 2, 1)
    assert again.unknown == 1


def test_a_folder_without_an_archive_is_one_line(tmp_path: Path) -> None:
    told = run("--data", str(tmp_path / "none"))
    assert told.returncode == 1
    assert told.stderr.startswith("media-processor: There is no archive in")
    assert not (tmp_path / "none").exists()


NONSENSE = b"this is no database " * 300


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "There is no catalogue at {file}."),
        (b"", "There is no catalogue at {file}."),
        (NONSENSE, "The catalogue can't be read: file is not a database."),
    ],
)
def test_without_a_catalogue_nothing_is_well_and_nothing_is_made(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    file = tmp_path / "catalogue.sqlite"
    (tmp_path / "central_storage").mkdir()
    if content is not None:
        file.write_bytes(content)
    done = run("--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"media-processor: {told.format(file=file)}\n"
    assert [path.read_bytes() for path in tmp_path.glob("catalogue*")] == [
        content for content in [content] if content is not None
    ]


def test_a_database_that_is_no_catalogue_of_this_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "central_storage").mkdir()
    with sqlite3.connect(tmp_path / "catalogue.sqlite") as database:
        database.execute("CREATE TABLE other (x)")
    done = run("--data", str(tmp_path))
    assert done.returncode == 1
    assert "empty or has another schema version" in done.stderr
    with sqlite3.connect(tmp_path / "catalogue.sqlite") as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


@pytest.mark.slow
def test_a_catalogue_that_breaks_off_in_the_middle_is_one_line(data: Path, tmp_path: Path) -> None:
    (tmp_path / "central_storage").mkdir()
    content = (data / "catalogue.sqlite").read_bytes()
    (tmp_path / "catalogue.sqlite").write_bytes(content[: len(content) // 2])
    done = run("--data", str(tmp_path))
    assert done.returncode == 1
    assert (
        done.stderr
        == "media-processor: The catalogue can't be read: database disk image is malformed.\n"
    )
