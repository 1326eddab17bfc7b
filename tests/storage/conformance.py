"""What every storage must do: storage/base.py as tests.

A back end passes by a class with one line: ``class TestNew(Conformance): backend = NewBackend``.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from media_processor import crash_points
from media_processor.errors import MediaProcessorError, StorageFailing, StorageFull
from media_processor.storage.base import Storage
from tests.storage.received import received

Fault = type[StorageFull] | type[StorageFailing]


class Backend(Protocol):
    """One storage under test, and what a test may do to it. It can be pickled."""

    steps_of_publish: ClassVar[int]
    """How many steps publishing two keys has that may fail."""
    steps_of_create: ClassVar[int]

    def __init__(self, folder: Path) -> None:
        """A new, empty one; ``folder`` is empty and the test's own."""

    def open(self) -> Storage:
        """The storage, as another process sees it too."""

    def fails(self, fault: Fault, step: int) -> AbstractContextManager[None]:
        """Have a writing call's step of this number, from 0 on, fail while the context lasts."""


class Conformance:
    """Every back end's tests."""

    backend: ClassVar[type[Backend]]

    @pytest.fixture
    def made(self, tmp_path: Path) -> Backend:
        return self.backend(tmp_path)

    @pytest.fixture
    def storage(self, made: Backend) -> Storage:
        return made.open()

    # ── writing and reading ──────────────────────────────────────────────────────

    def test_what_is_written_is_read_back_by_everyone(
        self, made: Backend, storage: Storage
    ) -> None:
        storage.write("a/b/key", b"one")
        storage.write("a/b/key", b"two")
        other = made.open()
        assert other.read("a/b/key") == b"two"
        assert other.size("a/b/key") == 3
        assert left_over(storage) == []

    def test_what_is_absent(self, storage: Storage) -> None:
        assert storage.read("nothing") is None
        assert storage.size("nothing") is None
        assert storage.names("nothing") == []
        assert storage.move("nothing", "elsewhere") is False
        assert storage.read("elsewhere") is None
        storage.delete("nothing")
        with pytest.raises(FileNotFoundError):
            storage.open("nothing")
        with pytest.raises(FileNotFoundError), storage.local_copy("nothing"):
            pass

    def test_a_prefix_is_no_key(self, storage: Storage) -> None:
        storage.write("a/b", b"")
        with pytest.raises(FileNotFoundError), storage.local_copy("a"):
            pass

    @pytest.mark.parametrize("name", ["photo.jpg", "Ferien 🏖️ 100%+&?.jpg", "ä" * 120])
    def test_any_name_that_the_archive_gives_is_a_key(self, storage: Storage, name: str) -> None:
        storage.publish([(b"x", f"2026/01/02/{name}")])
        assert storage.read(f"2026/01/02/{name}") == b"x"
        assert storage.names("2026/01/02") == [name]

    def test_it_is_read_from_any_place(self, storage: Storage) -> None:
        storage.write("key", b"0123456789")
        with storage.open("key") as file:
            assert file.seek(3) == 3
            assert file.read(4) == b"3456"
            assert file.seek(-2, os.SEEK_END) == 8
            assert file.read() == b"89"
            assert file.read() == b""

    @pytest.mark.parametrize("change", ["replaced", "removed", "moved"])
    def test_an_open_file_never_mixes_two_contents(self, storage: Storage, change: str) -> None:
        storage.write("key", b"old" * 100_000)
        with storage.open("key") as file:
            found = file.read(3)
            if change == "replaced":
                storage.write("key", b"new" * 100_000)
            elif change == "removed":
                storage.delete("key")
            else:
                storage.move("key", "elsewhere")
            try:
                found += file.read()
            except OSError:
                return
        assert found == b"old" * 100_000

    def test_a_local_copy_has_the_bytes(self, storage: Storage) -> None:
        storage.write("key", b"content")
        with storage.local_copy("key") as path:
            assert path.read_bytes() == b"content"
        assert storage.read("key") == b"content"

    def test_writers_at_once_leave_one_of_their_contents(self, storage: Storage) -> None:
        contents = [bytes([number]) * 200_000 for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda content: storage.write("key", content), contents))
        assert storage.read("key") in contents
        assert left_over(storage) == []

    # ── listing ──────────────────────────────────────────────────────────────────

    def test_names_are_those_directly_below_last_first(self, storage: Storage) -> None:
        for key in ("a/1", "a/3", "a/2/x", "a/2/y", "ab/4"):
            storage.write(key, b"")
        assert storage.names("a") == ["3", "2", "1"]

    def test_more_than_a_page_is_listed(self, storage: Storage) -> None:
        for number in range(1100):
            storage.write(f"many/{number:04}", b"")
        assert storage.names("many") == [f"{number:04}" for number in reversed(range(1100))]

    def test_every_key_is_walked_and_nothing_else(self, storage: Storage) -> None:
        with received(storage, b"not yet"):
            storage.write("top", b"1")
            storage.write("a/b/c", b"123")
            found = {entry.key: entry for entry in storage.walk()}
        assert {key: entry.size for key, entry in found.items()} == {"top": 1, "a/b/c": 3}
        assert found["top"].modified.tzinfo is not None

    # ── moving and removing ──────────────────────────────────────────────────────

    def test_a_move_replaces(self, storage: Storage) -> None:
        storage.write("from/key", b"new")
        storage.write("to/key", b"old")
        assert storage.move("from/key", "to/key")
        assert (storage.read("from/key"), storage.read("to/key")) == (None, b"new")

    def test_what_is_deleted_is_gone(self, storage: Storage) -> None:
        storage.write("key", b"")
        storage.delete("key")
        assert storage.size("key") is None
        assert [entry.key for entry in storage.walk()] == []

    # ── creating ─────────────────────────────────────────────────────────────────

    def test_only_the_first_create_sets_the_key(self, made: Backend) -> None:
        start = threading.Barrier(8)

        def create(number: int) -> bool:
            storage = made.open()
            start.wait()
            return storage.create("keys/one", str(number).encode())

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(create, range(8)))
        assert won.count(True) == 1
        assert made.open().read("keys/one") == str(won.index(True)).encode()
        assert left_over(made.open()) == []

    def test_a_key_that_exists_stays_as_it_is(self, storage: Storage) -> None:
        storage.write("key", b"first")
        assert not storage.create("key", b"second")
        assert storage.read("key") == b"first"

    # ── receiving and publishing ─────────────────────────────────────────────────

    def test_publish_takes_incoming_files_and_bytes(self, storage: Storage) -> None:
        incoming = received(storage, b"picture")
        storage.sync(incoming)
        storage.publish([(incoming, "originals/x.jpg"), (b"record", "open/x.json")])
        assert storage.read("originals/x.jpg") == b"picture"
        assert storage.read("open/x.json") == b"record"
        assert left_over(storage) == []

    def test_publish_replaces(self, storage: Storage) -> None:
        storage.publish([(b"old", "key")])
        storage.publish([(b"new", "key")])
        assert storage.read("key") == b"new"

    def test_an_incoming_file_is_adopted(self, storage: Storage) -> None:
        storage.adopt(received(storage, b"watermarked"), "watermarked/x")
        assert storage.read("watermarked/x") == b"watermarked"
        assert left_over(storage) == []

    def test_an_incoming_file_has_no_key_and_goes_unless_it_is_taken(
        self, storage: Storage
    ) -> None:
        with received(storage, b"x") as incoming:
            assert incoming.path.parent == storage.incoming().path.parent
            assert list(storage.walk()) == []
        assert left_over(storage) == []

    def test_an_incoming_file_that_is_gone_is_not_published(self, storage: Storage) -> None:
        with pytest.raises(FileNotFoundError):
            storage.publish([(b"record", "open/x"), (storage.incoming(), "originals/x")])
        assert left_over(storage) == []
        assert storage.read("open/x") is None

    def test_sweeping_takes_old_incoming_files_only(self, storage: Storage) -> None:
        old, new = received(storage, b""), received(storage, b"")
        os.utime(old.path, (0, 0))
        assert storage.sweep_incoming(3600) == 1
        assert left_over(storage) == [new.path.name]

    # ── room ─────────────────────────────────────────────────────────────────────

    def test_there_is_room_or_no_telling(self, storage: Storage) -> None:
        free = storage.free_bytes()
        assert free is None or free > 0

    # ── faults ───────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize("fault", [StorageFull, StorageFailing])
    def test_what_fails_to_be_published_has_no_key(self, made: Backend, fault: Fault) -> None:
        storage = made.open()
        storage.publish([(b"", "originals/a"), (b"", "open/a")])
        for step in range(made.steps_of_publish):
            with received(storage, b"picture") as picture:
                with made.fails(fault, step), pytest.raises(fault):
                    storage.publish([(picture, "originals/x"), (b"record", "open/x")])
                assert (storage.read("originals/x"), storage.read("open/x")) == (None, None), step
            assert left_over(storage) == [], step
        storage.publish([(b"picture", "originals/x"), (b"record", "open/x")])
        assert storage.read("open/x") == b"record"

    @pytest.mark.parametrize("fault", [StorageFull, StorageFailing])
    def test_what_fails_to_be_created_has_no_key(self, made: Backend, fault: Fault) -> None:
        storage = made.open()
        storage.create("keys/a", b"")
        for step in range(made.steps_of_create):
            with made.fails(fault, step), pytest.raises(fault):
                storage.create("keys/k", b"record")
            assert storage.read("keys/k") is None, step
            assert left_over(storage) == [], step
        assert storage.create("keys/k", b"record")

    def test_a_key_that_exists_stays_when_creating_it_fails(self, made: Backend) -> None:
        storage = made.open()
        storage.create("keys/k", b"first")
        with made.fails(StorageFailing, made.steps_of_create - 1), suppress(MediaProcessorError):
            assert not storage.create("keys/k", b"second")
        assert storage.read("keys/k") == b"first"

    # ── crashes ──────────────────────────────────────────────────────────────────

    @pytest.mark.parametrize(
        ("point", "expected"),
        [("file-synced", (None, None)), ("file-renamed", (b"picture", None))],
    )
    def test_a_crash_leaves_the_keys_in_their_order(
        self,
        made: Backend,
        point: str,
        expected: tuple[bytes | None, bytes | None],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        armed = tmp_path / "crash-at"
        armed.write_text(point)
        monkeypatch.setenv(crash_points.VARIABLE, str(armed))
        assert run_in_process(publish_two, made) == crash_points.EXIT_STATUS

        storage = made.open()
        assert (storage.read("originals/x"), storage.read("open/x")) == expected
        storage.sweep_incoming(0)
        assert left_over(storage) == []
        publish_two(made)
        assert (storage.read("originals/x"), storage.read("open/x")) == (b"picture", b"record")

    def test_processes_at_once_create_one(self, made: Backend) -> None:
        with ThreadPoolExecutor(3) as pool:
            ended = list(pool.map(lambda _: run_in_process(create_key, made), range(3)))
        assert (ended.count(0), ended.count(1)) == (1, 2)


def left_over(storage: Storage) -> list[str]:
    return sorted(os.listdir(storage.incoming().path.parent))


def publish_two(made: Backend) -> None:
    storage = made.open()
    incoming = received(storage, b"picture")
    storage.publish([(incoming, "originals/x"), (b"record", "open/x")])


def create_key(made: Backend) -> None:
    raise SystemExit(0 if made.open().create("keys/k", str(os.getpid()).encode()) else 1)


def run_in_process(act: Callable[[Backend], None], made: Backend) -> int | None:
    process = multiprocessing.get_context("spawn").Process(target=act, args=(made,))
    process.start()
    process.join(60)
    return process.exitcode
