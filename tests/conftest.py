"""Real parts for every test: a Valkey of its own, real server processes, real files."""

import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until
from media_processor.jobs.keys import Keys
from media_processor.jobs.queue import JobQueue, open_queue
from media_processor.settings import (
    CentralServerSettings,
    FastServerSettings,
    UpSettings,
    WorkerSettings,
)
from media_processor.work.spool import Spool
from tests.postgres import Postgres, program
from tests.system import System, running_system
from tests.work.records import spool_in

# Of the jobs of tests that have no spool.
KEYS = Keys("test", "0123456789ab", "host /folder")

_SETTINGS = (CentralServerSettings, FastServerSettings, UpSettings, WorkerSettings)


# What takes longest for its number of tests comes first, so that it doesn't end alone.
_FIRST = ("chaos", "browser", "end_to_end", "cli", "fast_server", "attacks", "central_server")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _order(item.path))


def pytest_collection_finish() -> None:
    gc.freeze()  # or each collection looks at everything that was imported


def _order(path: Path) -> int:
    room = path.parent.name
    return _FIRST.index(room) if room in _FIRST else len(_FIRST)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set on the developer's machine must not change a test."""
    for kind in _SETTINGS:
        for name in kind.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
    os.environ.pop("FAST_SERVER_URL", None)


@pytest.fixture(scope="session")
def _valkey_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def valkey(_valkey_process: Valkey) -> Iterator[Valkey]:
    """An empty Valkey; the test fails if it leaves a key that would stay for ever."""
    _valkey_process.client.flushall()
    yield _valkey_process
    left = _valkey_process.keys_without_ttl()
    _valkey_process.client.flushall()
    assert not left, f"keys without a time to live: {left}"


@pytest.fixture
async def queue(valkey: Valkey) -> AsyncIterator[JobQueue]:
    async with open_queue(valkey.settings, KEYS) as queue:
        yield queue


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return spool_in(tmp_path)


@pytest.fixture(scope="session")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("running")) as system:
        system.start_all()
        yield system


@pytest.fixture(scope="module")
def running(_running: System) -> Iterator[System]:
    """A running system, shared by all tests that neither break it nor count what is in it."""
    yield _running
    assert not _running.revive(), "a service of the shared system has died"
    wait_until(lambda: not _running.open_records(), "what a module sent is done")
    assert not _running.temporary_files()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running_system(tmp_path) as system:
        yield system


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[Postgres]:
    if program("postgres") is None:
        pytest.skip("there is no PostgreSQL on this machine (Debian: apt install postgresql)")
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture
def postgres(_postgres_server: Postgres) -> Postgres:
    _postgres_server.start()
    return _postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "c.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()
