"""What a file system can't do is said at start, in one line."""

import errno
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from media_processor.central_server import main as central_main
from media_processor.errors import SetupError
from media_processor.fast_server import main as fast_main
from media_processor.settings import CentralServerSettings, FastServerSettings, WorkerSettings
from media_processor.storage.local import LocalStorage
from media_processor.worker_server import main as worker_main
from tests.storage.conformance import left_over


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "uploads")


def test_a_file_system_that_can_do_everything_passes(storage: LocalStorage) -> None:
    storage.probe()
    assert left_over(storage) == []


@pytest.mark.parametrize(
    ("module", "call", "number", "said"),
    [
        (os, "link", errno.EPERM, "can't make hard links"),
        (os, "link", errno.EOPNOTSUPP, "can't make hard links"),
        (os, "fsync", errno.EINVAL, "can't sync files"),
        (os, "replace", errno.EXDEV, "can't rename files"),
        (io, "open", errno.EROFS, r"can't write files there \(Read-only file system\)"),
    ],
)
def test_what_it_can_not_do_is_named(
    storage: LocalStorage, module: object, call: str, number: int, said: str
) -> None:
    error = OSError(number, os.strerror(number))
    with patch.object(module, call, side_effect=error), pytest.raises(SetupError, match=said):
        storage.probe()
    assert left_over(storage) == []


def test_what_is_not_used_need_not_work(storage: LocalStorage) -> None:
    with patch.object(os, "link", side_effect=OSError(errno.EPERM, "no")):
        storage.probe(creating=False)


def test_a_full_disk_is_no_reason_not_to_start(storage: LocalStorage) -> None:
    with patch.object(io, "open", side_effect=OSError(errno.ENOSPC, "full")):
        storage.probe()


@pytest.mark.parametrize(
    ("ahead", "said"), [(3600, "3,600 s ahead of"), (-3600, "3,600 s behind"), (30, None)]
)
def test_a_clock_that_is_wrong(storage: LocalStorage, ahead: int, said: str | None) -> None:
    now = time.time()
    with patch.object(time, "time", return_value=now + ahead):
        if said is None:
            storage.probe()
            return
        with pytest.raises(SetupError, match=said):
            storage.probe()


def _central(folder: Path) -> None:
    with central_main._open_archive(CentralServerSettings(media_data_dir=folder)):
        pass


@pytest.mark.parametrize(
    "start",
    [
        lambda folder: fast_main.run(FastServerSettings(media_data_dir=folder)),
        lambda folder: worker_main.run(WorkerSettings(media_data_dir=folder), "all"),
        _central,
    ],
    ids=["fast server", "worker server", "central server"],
)
def test_every_service_tries_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[Path], Any]
) -> None:
    for main in (fast_main, worker_main):
        monkeypatch.setattr(main, "start_logging", lambda *_: None)
    refused = OSError(errno.EINVAL, "Invalid argument")
    (tmp_path / "uploads" / "incoming").mkdir(parents=True)
    (tmp_path / "central_storage" / "incoming").mkdir(parents=True)
    with patch.object(os, "fsync", side_effect=refused), pytest.raises(SetupError, match="sync"):
        start(tmp_path)
