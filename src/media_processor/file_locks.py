"""A folder that one process at a time may use (flock(2), so a killed process frees it)."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyLocked(Exception):
    """Another process uses the folder."""


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other processes out of ``folder`` by its file ``.lock``.

    Raises:
        AlreadyLocked: another process holds it.
        OSError: the lock file can't be written.
    """
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyLocked from error
        yield
