"""Durable bytes by key, on the local disk.

A key is a relative path. Everything appears under its final name whole or not at all:
it is written to a temporary file in the same file system, then renamed. What is asked
to be durable survives a power cut: file synced, renamed, folder synced, in that order.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from media_processor.atomic_files import sync
from media_processor.crash_points import crash_point
from media_processor.errors import StorageFailing, StorageFull

INCOMING = "incoming"
ASIDE = "aside"

_FULL = {errno.ENOSPC, errno.EDQUOT}
# A file system that met an error of its disk often goes on read-only.
_FAILING = {errno.EIO, errno.EROFS}

# Enough to see what happened; a disk that fails at every upload must not fill up with them.
_MOST_ASIDE = 100


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise StorageFull for a full disk, StorageFailing for a broken one; let others through."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("The disk is full. Free some space and send it again.") from error
        if error.errno in _FAILING:
            raise StorageFailing(
                f"The disk fails ({error.strerror}). Nothing was kept; send it again."
            ) from error
        raise


class LocalStorage:
    """Keys below ``root``. Every method blocks, so call it from a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with disk_errors():
            self._make_folder(root / INCOMING)

    def path(self, key: str) -> Path:
        """The file of ``key``, which may not exist."""
        return self.root / key

    def incoming(self) -> Path:
        """A fresh name for a file that is being written."""
        return self.root / INCOMING / f"{uuid4().hex}.part"

    @contextmanager
    def new_file(self, path: Path) -> Iterator[BinaryIO]:
        """Open an incoming file for writing; a full disk is told as StorageFull."""
        with disk_errors(), path.open("xb") as file:
            yield file

    def sync(self, file: Path) -> None:
        """Make the bytes of an incoming file durable ahead of its publishing."""
        with disk_errors():
            self._sync_or_set_aside(file)

    def write(self, key: str, data: bytes) -> None:
        """Set ``key``, whole but not durable: after a power cut it may be absent or empty."""
        with disk_errors(), self._temporary(data) as temporary:
            target = self.path(key)
            try:
                temporary.replace(target)
            except FileNotFoundError:
                self._make_folder(target.parent)
                temporary.replace(target)

    def adopt(self, file: Path, key: str) -> None:
        """Move an incoming file under ``key``, whole but not durable."""
        with disk_errors():
            target = self.path(key)
            self._make_folder(target.parent)
            file.replace(target)

    def create(self, key: str, data: bytes) -> bool:
        """Set ``key`` durably unless it exists; tells whether it was set. Durable it is then."""
        with disk_errors(), self._temporary(data) as temporary:
            sync(temporary)
            target = self.path(key)
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

    def publish(self, files: Sequence[tuple[Path | bytes, str]]) -> None:
        """Make each file or byte string durable under its key, in this order.

        Files are moved from where they are, which must be the same file system. If it
        fails, no key is set: what a failed sync left in doubt is never taken for good.
        """
        made: list[Path] = []
        placed: dict[Path, int] = {}
        try:
            with disk_errors():
                ready = [(self._synced(content, made), self.path(key)) for content, key in files]
                crash_point("file-synced")
                for temporary, target in ready:
                    self._make_folder(target.parent)
                    inode = temporary.stat().st_ino
                    temporary.replace(target)
                    placed[target] = inode
                    crash_point("file-renamed")
                for folder in dict.fromkeys(target.parent for _, target in ready):
                    sync(folder)
        except (StorageFull, StorageFailing):
            for target, inode in reversed(placed.items()):
                self._set_aside(target, inode)
            raise
        finally:
            for temporary in made:
                temporary.unlink(missing_ok=True)

    def read(self, key: str) -> bytes | None:
        """The bytes of ``key``, or None."""
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, key: str) -> int | None:
        """How many bytes ``key`` has, or None."""
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return None

    def move(self, key: str, to: str) -> bool:
        """Rename, so that after a power cut the bytes are under one of the two keys."""
        with disk_errors():
            target = self.path(to)
            self._make_folder(target.parent)
            try:
                self.path(key).replace(target)
            except FileNotFoundError:
                return False
            return True

    def delete(self, key: str) -> None:
        """Remove ``key`` if it is there."""
        self.path(key).unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        """Names directly below ``prefix``, sorted, last first."""
        try:
            return sorted(os.listdir(self.path(prefix)), reverse=True)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def free_bytes(self) -> int:
        """Room left on the disk."""
        return shutil.disk_usage(self.root).free

    def sweep_incoming(self, older_than_seconds: float) -> int:
        """Remove what crashed writers left; tells how many files that were."""
        horizon = time.time() - older_than_seconds
        removed = 0
        for entry in os.scandir(self.root / INCOMING):
            try:
                if entry.stat().st_mtime < horizon:
                    Path(entry.path).unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # its writer finished, or another sweeper was faster
        return removed

    @contextmanager
    def _temporary(self, data: bytes) -> Iterator[Path]:
        temporary = self.incoming()
        try:
            temporary.write_bytes(data)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)

    def _synced(self, content: Path | bytes, made: list[Path]) -> Path:
        if isinstance(content, bytes):
            path = self.incoming()
            made.append(path)
            path.write_bytes(content)
        else:
            path = content
        self._sync_or_set_aside(path)
        return path

    def _sync_or_set_aside(self, file: Path) -> None:
        try:
            sync(file)
        except OSError:
            self._set_aside(file, file.stat().st_ino)
            raise

    def _set_aside(self, file: Path, inode: int) -> None:
        """Put a file whose bytes are in doubt where nobody takes it for good.

        Not if another writer has put its own in place since.
        """
        with suppress(OSError):  # a disk that fails at this too can't be helped
            if file.stat().st_ino != inode:
                return
            folder = self.root / ASIDE
            folder.mkdir(exist_ok=True)
            if len(os.listdir(folder)) < _MOST_ASIDE:
                file.replace(folder / file.name)
            else:
                file.unlink()

    def _make_folder(self, folder: Path) -> None:
        """Make ``folder`` so that it survives a power cut, with the parents it lacks."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)
