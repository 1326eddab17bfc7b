"""A storage on the local disk: each key is a file below its folder.

Everything appears under its final name whole or not at all: it is written to a temporary
file in the same file system, then renamed. What is durable survives a power cut: file
synced, renamed, folder synced, in that order.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from media_processor.atomic_files import sync
from media_processor.crash_points import crash_point
from media_processor.errors import SetupError
from media_processor.storage.base import Entry, Storage
from media_processor.storage.disk_errors import disk_errors
from media_processor.storage.incoming import Incoming
from media_processor.storage.probe import clock_of, probe_file_system

INCOMING = "incoming"
PICTURE_PROCESSES = "picture-processes"
ASIDE = "aside"
_WITHOUT_KEYS = (INCOMING, PICTURE_PROCESSES, ASIDE)

# Enough to see what happened; a disk that fails at every upload must not fill up with them.
_MOST_ASIDE = 100


class LocalStorage(Storage):
    """Keys below a folder; base.py says what each method does, the comments here what else."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming_folder = root / INCOMING
        try:
            self._make_folder(self._incoming_folder)
        except OSError as error:
            raise SetupError(
                f"{root} isn't writable ({error.strerror}). Set MEDIA_DATA_DIR to a folder that is."
            ) from error

    @property
    def name(self) -> str:
        return self._root.name

    @property
    def picture_process_folder(self) -> Path:
        return self._root / PICTURE_PROCESSES

    def incoming(self) -> Incoming:
        return Incoming(self._incoming_folder / f"{uuid4().hex}.part")

    def sync(self, incoming: Incoming) -> None:
        with disk_errors():
            self._sync_or_set_aside(incoming.path)

    def write(self, key: str, data: bytes) -> None:
        with disk_errors(), self._temporary(data) as temporary:
            target = self._path(key)
            try:
                temporary.replace(target)
            except FileNotFoundError:
                self._make_folder(target.parent)
                temporary.replace(target)

    def adopt(self, incoming: Incoming, key: str) -> None:
        with disk_errors():
            target = self._path(key)
            self._make_folder(target.parent)
            incoming.path.replace(target)

    def create(self, key: str, data: bytes) -> bool:
        with disk_errors(), self._temporary(data) as temporary:
            sync(temporary)
            target = self._path(key)
            self._make_folder(target.parent)
            try:
                target.hardlink_to(temporary)
                is_new = True
            except FileExistsError:
                is_new = False  # and whoever set it may not have synced it yet
            try:
                sync(target.parent)
            except OSError:
                if is_new:
                    target.unlink(missing_ok=True)
                raise
            return is_new

    def publish(self, items: Sequence[tuple[Incoming | bytes, str]]) -> None:
        made: list[Path] = []
        placed: dict[Path, int] = {}
        try:
            with disk_errors():
                ready = [(self._synced(content, made), self._path(key)) for content, key in items]
                crash_point("file-synced")
                for temporary, target in ready:
                    self._make_folder(target.parent)
                    inode = temporary.stat().st_ino
                    temporary.replace(target)
                    placed[target] = inode
                    crash_point("file-renamed")
                for folder in dict.fromkeys(target.parent for _, target in ready):
                    sync(folder)
        except Exception:
            for target, inode in reversed(placed.items()):
                self._set_aside(target, inode)
            raise
        finally:
            for temporary in made:
                Incoming(temporary).discard()

    def read(self, key: str) -> bytes | None:
        with disk_errors():
            try:
                with _open(self._path(key)) as file:
                    return file.read()
            except FileNotFoundError:
                return None

    def size(self, key: str) -> int | None:
        with disk_errors():
            try:
                return self._path(key).lstat().st_size
            except FileNotFoundError:
                return None

    def open(self, key: str) -> BinaryIO:
        with disk_errors():
            return _open(self._path(key))

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        path = self._path(key)
        with disk_errors():
            if not stat.S_ISREG(path.lstat().st_mode):
                raise FileNotFoundError(key)
        yield path

    def move(self, key: str, to: str) -> bool:
        with disk_errors():
            target = self._path(to)
            self._make_folder(target.parent)
            try:
                self._path(key).replace(target)
            except FileNotFoundError:
                return False
            return True

    def delete(self, key: str) -> None:
        with disk_errors():
            self._path(key).unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        with disk_errors():
            try:
                return sorted(os.listdir(self._path(prefix)), reverse=True)
            except (FileNotFoundError, NotADirectoryError):
                return []

    def walk(self) -> Iterator[Entry]:
        for folder, inner, names in os.walk(self._root):
            if Path(folder) == self._root:
                inner[:] = [name for name in inner if name not in _WITHOUT_KEYS]
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    found = path.lstat()
                    modified = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield Entry(path.relative_to(self._root).as_posix(), found.st_size, modified)

    def free_bytes(self) -> int:
        with disk_errors():
            return shutil.disk_usage(self._root).free

    def probe(self, *, creating: bool = True) -> None:
        probe_file_system(self._root, self._incoming_folder, links=creating)

    def sweep_incoming(self, older_than_seconds: float) -> int:
        with disk_errors():
            horizon = clock_of(self._incoming_folder) - older_than_seconds
            removed = 0
            for entry in os.scandir(self._incoming_folder):
                # Its writer finished, another sweeper was faster, or it isn't ours to remove.
                with suppress(OSError):
                    if entry.stat().st_mtime <= horizon:
                        Path(entry.path).unlink()
                        removed += 1
            return removed

    def _path(self, key: str) -> Path:
        return self._root / key

    @contextmanager
    def _temporary(self, data: bytes) -> Iterator[Path]:
        with self.incoming() as temporary:
            temporary.path.write_bytes(data)
            yield temporary.path

    def _synced(self, content: Incoming | bytes, made: list[Path]) -> Path:
        if isinstance(content, bytes):
            path = self.incoming().path
            made.append(path)
            path.write_bytes(content)
        else:
            path = content.path
        self._sync_or_set_aside(path)
        return path

    def _sync_or_set_aside(self, file: Path) -> None:
        try:
            sync(file)
        except OSError:
            self._set_aside(file, file.stat().st_ino)
            raise

    def _set_aside(self, file: Path, inode: int) -> None:
        # Not if another writer has put its own in place since.
        with suppress(OSError):  # a disk that fails at this too can't be helped
            if file.stat().st_ino != inode:
                return
            folder = self._root / ASIDE
            try:
                folder.mkdir(exist_ok=True)
                if len(os.listdir(folder)) < _MOST_ASIDE:
                    file.replace(folder / file.name)
                    return
            except OSError:  # a listing needs an open file, of which there may be too many
                pass
            file.unlink()

    def _make_folder(self, folder: Path) -> None:
        # Its name must survive a power cut, and those of the parents it lacks.
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        try:
            sync(folder.parent)
        except OSError:
            with suppress(OSError):  # the next one must not take it for durable
                folder.rmdir()
            raise


def _open(path: Path) -> BinaryIO:
    # A link that somebody put there would lead anywhere.
    try:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
        raise
