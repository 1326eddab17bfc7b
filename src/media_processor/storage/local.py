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
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from media_processor.errors import StorageFull

INCOMING = "incoming"

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def telling_full_disk() -> Iterator[None]:
    """Raise StorageFull for a full disk; let other faults through."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("The disk is full. Free some space and send it again.") from error
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LocalStorage:
    """Keys below ``root``. Every method blocks, so call it from a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with telling_full_disk():
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
        with telling_full_disk(), path.open("xb") as file:
            yield file

    def sync(self, file: Path) -> None:
        """Make the bytes of an incoming file durable ahead of its publishing."""
        with telling_full_disk():
            _sync(file)

    def write(self, key: str, data: bytes) -> None:
        """Set ``key``, whole but not durable: after a power cut it may be absent or empty."""
        with telling_full_disk(), self._temporary(data) as temporary:
            target = self.path(key)
            try:
                temporary.replace(target)
            except FileNotFoundError:
                self._make_folder(target.parent)
                temporary.replace(target)

    def adopt(self, file: Path, key: str) -> None:
        """Move an incoming file under ``key``, whole but not durable."""
        with telling_full_disk():
            target = self.path(key)
            self._make_folder(target.parent)
            file.replace(target)

    def create(self, key: str, data: bytes) -> bool:
        """Set ``key`` durably unless it exists; tells whether it was set."""
        with telling_full_disk(), self._temporary(data) as temporary:
            _sync(temporary)
            target = self.path(key)
            self._make_folder(target.parent)
            try:
                target.hardlink_to(temporary)
            except FileExistsError:
                return False
            _sync(target.parent)
            return True

    def publish(self, files: Sequence[tuple[Path | bytes, str]]) -> None:
        """Make each file or byte string durable under its key, in this order.

        Files are moved from where they are, which must be the same file system.
        """
        made: list[Path] = []
        try:
            with telling_full_disk():
                ready = [(self._synced(content, made), self.path(key)) for content, key in files]
                for temporary, target in ready:
                    self._make_folder(target.parent)
                    temporary.replace(target)
                for folder in dict.fromkeys(target.parent for _, target in ready):
                    _sync(folder)
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
        with telling_full_disk():
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
        _sync(path)
        return path

    def _make_folder(self, folder: Path) -> None:
        """Make ``folder`` so that it survives a power cut, with the parents it lacks."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)
