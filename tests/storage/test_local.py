"""The storage on the local disk: what every storage does, and what the disk adds to it."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import pytest

from media_processor.errors import StorageError, StorageFailing, StorageFull
from media_processor.storage.base import Storage
from media_processor.storage.local import LocalStorage
from tests.storage.conformance import Conformance, Fault, left_over
from tests.storage.faults import failing_call
from tests.storage.received import received

ENVIRONMENT = (
    errno.EMFILE,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ESTALE,
    errno.EOPNOTSUPP,
)
"""What isn't the disk's fault, but keeps it from working."""


class LocalBackend:
    # Each file is synced, then each folder.
    steps_of_publish: ClassVar = 4
    steps_of_create: ClassVar = 2

    def __init__(self, folder: Path) -> None:
        self._root = folder / "root"

    def open(self) -> Storage:
        return LocalStorage(self._root)

    @contextmanager
    def fails(self, fault: Fault, step: int) -> Iterator[None]:
        number = errno.ENOSPC if fault is StorageFull else errno.EIO
        with failing_sync(step, number):
            yield


class TestLocal(Conformance):
    backend = LocalBackend


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def storage(root: Path) -> Storage:
    return LocalStorage(root)


@contextmanager
def failing_sync(
    which: int, number: int = errno.EIO, before: Callable[[], None] = lambda: None
) -> Iterator[None]:
    real, count = os.fsync, iter(range(1000))

    def sync(descriptor: int) -> None:
        if next(count) == which:
            before()
            raise OSError(number, "bad sector")
        real(descriptor)

    with patch.object(os, "fsync", sync):
        yield


def test_publish_syncs_every_file_before_its_folder(
    storage: Storage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync(file) → rename → fsync(folder): only then is a rename durable."""
    incoming = received(storage, b"picture")
    (root / "originals").mkdir()
    (root / "open").mkdir()
    happened: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        happened.append(f"sync {path.parent.name if path.is_file() else path.name}")
        sync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        happened.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    storage.publish([(incoming, "originals/x.jpg"), (b"record", "open/x.json")])

    assert happened == [
        "sync incoming",
        "sync incoming",
        "rename",
        "rename",
        "sync originals",
        "sync open",
    ]


def test_a_new_folder_is_synced_into_its_parents(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def noted_sync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted_sync)
    storage.publish([(b"x", "a/b/key")])
    assert synced[1:] == ["root", "a", "b"]


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageFailing),
        (errno.EROFS, StorageFailing),
        *((number, StorageFailing) for number in ENVIRONMENT),
    ],
)
def test_what_the_disk_says(storage: Storage, number: int, error: Fault) -> None:
    with failing_sync(0, number), pytest.raises(error):
        storage.publish([(b"record", "open/x.json")])


class TestWhateverFails:
    """One call after the other fails, of each kind: nothing is half done."""

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, *ENVIRONMENT])
    def test_nothing_is_published(self, storage: Storage, number: int) -> None:
        self._until_it_works(lambda step: self._publish(storage, step, number, lasting=False))

    def test_nothing_is_published_with_too_many_open_files(self, storage: Storage) -> None:
        """Even to set a file aside, one would have to be opened."""
        self._until_it_works(lambda step: self._publish(storage, step, errno.EMFILE, lasting=True))

    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, *ENVIRONMENT])
    def test_nothing_is_created(self, storage: Storage, number: int) -> None:
        def create(step: int) -> bool:
            with failing_call(step, number) as failed, suppress(StorageError):
                storage.create("keys/k", b"record")
            assert storage.read("keys/k") == (None if failed else b"record")
            assert left_over(storage) == []
            return not failed

        self._until_it_works(create)

    @pytest.mark.parametrize("number", [errno.EIO, *ENVIRONMENT])
    def test_reading_says_so(self, storage: Storage, number: int) -> None:
        storage.write("a/key", b"x")
        error = OSError(number, "refused")
        with patch.object(os, "open", side_effect=error):
            for read in (storage.read, storage.open):
                with pytest.raises(StorageFailing):
                    read("a/key")
        with patch.object(os, "listdir", side_effect=error), pytest.raises(StorageFailing):
            storage.names("a")
        with patch.object(os, "stat", side_effect=error):
            with pytest.raises(StorageFailing):
                storage.size("a/key")
            with pytest.raises(StorageFailing), storage.local_copy("a/key"):
                pass

    def test_a_link_is_not_followed(self, storage: Storage, root: Path, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("secret")
        (root / "a").mkdir()
        (root / "a" / "key").symlink_to(secret)
        assert storage.read("a/key") is None
        with pytest.raises(FileNotFoundError):
            storage.open("a/key")
        with pytest.raises(FileNotFoundError), storage.local_copy("a/key"):
            pass
        storage.write("a/key", b"own")
        assert (storage.read("a/key"), secret.read_text()) == (b"own", "secret")

    def _publish(self, storage: Storage, step: int, number: int, *, lasting: bool) -> bool:
        with received(storage, b"picture") as picture:
            with failing_call(step, number, lasting=lasting) as failed, suppress(StorageError):
                storage.publish([(picture, "originals/x"), (b"record", "open/x")])
            found = (storage.read("originals/x"), storage.read("open/x"))
            assert found == ((None, None) if failed else (b"picture", b"record")), failed
        assert left_over(storage) == [], failed
        return not failed

    def _until_it_works(self, act: Callable[[int], bool]) -> None:
        assert next(step for step in range(100) if act(step)) > 5


class TestFailedSync:
    """Whatever a failed sync left in doubt is set aside, never synced again or used."""

    @pytest.mark.parametrize("which", range(4))
    def test_what_is_in_doubt_is_set_aside(self, storage: Storage, root: Path, which: int) -> None:
        storage.publish([(b"", "originals/a"), (b"", "open/a")])
        picture = received(storage, b"picture")
        with failing_sync(which), pytest.raises(StorageFailing, match="bad sector"):
            storage.publish([(picture, "originals/x"), (b"record", "open/x")])
        assert left_over(storage) == ([picture.path.name] if which == 1 else [])
        assert os.listdir(root / "aside")
        assert {entry.key for entry in storage.walk()} == {"originals/a", "open/a"}

    def test_what_fails_to_be_synced_ahead_is_set_aside(self, storage: Storage) -> None:
        picture = received(storage, b"picture")
        with failing_sync(0), pytest.raises(StorageFailing):
            storage.sync(picture)
        with pytest.raises(FileNotFoundError):
            storage.publish([(picture, "originals/x")])

    def test_what_a_twin_has_put_in_place_stays(self, storage: Storage, root: Path) -> None:
        storage.publish([(b"", "open/a")])

        def twin() -> None:
            (root / "open" / "x.twin").write_bytes(b"twin's")
            (root / "open" / "x.twin").replace(root / "open" / "x")

        with failing_sync(1, before=twin), pytest.raises(StorageFailing):
            storage.publish([(b"ours", "open/x")])
        assert storage.read("open/x") == b"twin's"

    def test_a_failing_disk_does_not_fill_up(self, storage: Storage, root: Path) -> None:
        for _ in range(103):
            with failing_sync(0), pytest.raises(StorageFailing):
                storage.publish([(b"record", "open/x")])
        assert len(os.listdir(root / "aside")) == 100


@pytest.mark.parametrize("ahead", [7200, -7200])
def test_sweeping_goes_by_the_file_systems_clock(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """The host's may be another's: an upload under way must not be taken for left behind."""
    old, new = received(storage, b""), received(storage, b"")
    os.utime(old.path, (0, 0))
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    assert storage.sweep_incoming(3600) == 1
    assert left_over(storage) == [new.path.name]


def test_what_can_not_be_swept_stays(storage: Storage) -> None:
    old = received(storage, b"")
    os.utime(old.path, (0, 0))
    with patch.object(os, "unlink", side_effect=PermissionError(errno.EPERM, "not yours")):
        assert storage.sweep_incoming(3600) == 0
    assert storage.sweep_incoming(3600) == 1


def test_what_the_spool_and_the_archive_lie_in_is_walked_with_its_time(storage: Storage) -> None:
    storage.write("key", b"")
    (entry,) = storage.walk()
    assert abs(entry.modified.timestamp() - time.time()) < 60
