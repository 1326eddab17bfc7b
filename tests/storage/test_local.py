import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from media_processor.errors import StorageFailing, StorageFull
from media_processor.storage.local import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "root")


def incoming(storage: LocalStorage) -> list[str]:
    return storage.names("incoming")


def test_what_is_written_is_read_back(storage: LocalStorage) -> None:
    storage.write("a/b/key", b"one")
    storage.write("a/b/key", b"two")

    assert storage.read("a/b/key") == b"two"
    assert storage.size("a/b/key") == 3
    assert storage.names("a/b") == ["key"]
    assert incoming(storage) == []


def test_what_is_absent_is_none_or_empty(storage: LocalStorage) -> None:
    assert storage.read("nothing") is None
    assert storage.size("nothing") is None
    assert storage.names("nothing") == []
    assert storage.move("nothing", "elsewhere") is False
    storage.delete("nothing")


def test_only_the_first_create_sets_the_key(storage: LocalStorage) -> None:
    won: list[bool] = []
    start = threading.Barrier(8)

    def create(number: int) -> None:
        start.wait()
        won.append(storage.create("keys/one", str(number).encode()))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won.count(True) == 1
    assert incoming(storage) == []


def test_publish_moves_files_and_writes_bytes(storage: LocalStorage) -> None:
    path = storage.incoming()
    path.write_bytes(b"picture")

    storage.publish([(path, "originals/x.jpg"), (b"record", "open/x.json")])

    assert storage.read("originals/x.jpg") == b"picture"
    assert storage.read("open/x.json") == b"record"
    assert incoming(storage) == []


def test_publish_syncs_every_file_before_its_folder(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync(file) → rename → fsync(folder): only then is a rename durable."""
    path = storage.incoming()
    path.write_bytes(b"picture")
    (storage.root / "originals").mkdir()
    (storage.root / "open").mkdir()
    happened: list[str] = []
    sync, replace = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        happened.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().parent.name}")
        sync(descriptor)

    def noted_replace(self: Path, target: Path) -> Path:
        happened.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    storage.publish([(path, "originals/x.jpg"), (b"record", "open/x.json")])

    assert happened == [
        "sync incoming",
        "sync incoming",
        "rename",
        "rename",
        "sync root",  # root/originals
        "sync root",  # root/open
    ]


def test_a_failed_publish_leaves_no_temporary_file_of_ours(storage: LocalStorage) -> None:
    with pytest.raises(FileNotFoundError):
        storage.publish([(b"record", "open/x.json"), (storage.incoming(), "originals/x.jpg")])

    assert incoming(storage) == []
    assert storage.read("open/x.json") is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_so(
    storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(_: int) -> None:
        raise OSError(number, "no room")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StorageFull, match="full"):
        storage.publish([(b"record", "open/x.json")])
    assert incoming(storage) == []


class TestFailedSync:
    """Whatever a failed sync left in doubt is set aside, never synced again or used."""

    @pytest.mark.parametrize("which", range(4))
    def test_nothing_is_published(
        self, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, which: int
    ) -> None:
        """Two files and two folders are synced; each of the four may fail."""
        storage.publish([(b"", "originals/a"), (b"", "open/a")])  # the folders are there now
        picture = storage.incoming()
        picture.write_bytes(b"picture")
        fail_sync(monkeypatch, which)

        with pytest.raises(StorageFailing, match="bad sector"):
            storage.publish([(picture, "originals/x"), (b"record", "open/x")])
        assert storage.read("originals/x") is None
        assert storage.read("open/x") is None
        assert incoming(storage) == ([picture.name] if which == 1 else [])
        assert storage.names("aside")

    def test_what_a_twin_has_put_in_place_stays(
        self, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        storage.publish([(b"", "open/a")])

        def twin() -> None:
            (storage.root / "open" / "x.twin").write_bytes(b"twin's")
            (storage.root / "open" / "x.twin").replace(storage.root / "open" / "x")

        fail_sync(monkeypatch, 1, twin)
        with pytest.raises(StorageFailing):
            storage.publish([(b"ours", "open/x")])
        assert storage.read("open/x") == b"twin's"

    @pytest.mark.parametrize("which", range(2))
    def test_nothing_is_created(
        self, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch, which: int
    ) -> None:
        storage.create("keys/a", b"")
        fail_sync(monkeypatch, which)
        with pytest.raises(StorageFailing):
            storage.create("keys/k", b"record")
        assert storage.read("keys/k") is None
        assert incoming(storage) == []

    def test_a_failing_disk_does_not_fill_up(
        self, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(103):
            fail_sync(monkeypatch, 0)
            with pytest.raises(StorageFailing):
                storage.publish([(b"record", "open/x")])
        assert len(storage.names("aside")) == 100


def fail_sync(
    monkeypatch: pytest.MonkeyPatch, which: int, before: Callable[[], None] = lambda: None
) -> None:
    """Have the ``which``-th sync from now fail, after doing ``before``."""
    real, count = os.fsync, iter(range(1000))
    monkeypatch.undo()

    def sync(descriptor: int) -> None:
        if next(count) == which:
            before()
            raise OSError(errno.EIO, "bad sector")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)


def test_sweeping_takes_old_files_only(storage: LocalStorage) -> None:
    old, new = storage.incoming(), storage.incoming()
    old.write_bytes(b"")
    new.write_bytes(b"")
    os.utime(old, (0, 0))

    assert storage.sweep_incoming(3600) == 1
    assert incoming(storage) == [new.name]
