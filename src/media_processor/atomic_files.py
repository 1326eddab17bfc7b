"""Files that appear whole or not at all: written under another name, then renamed.

A reader sees the old content or the new. Only ``durable`` writes survive a power cut: the
file is synced, renamed, then its folder is synced, in that order.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_beside(target: Path) -> Iterator[Path]:
    path = temporary_name(target)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def temporary_name(target: Path) -> Path:
    # A fresh one, as the name of ``target`` plus a suffix may be too long.
    return target.with_name(f".{os.urandom(16).hex()}.part")


def write_atomically(
    target: Path, data: bytes | memoryview, *, mode: int = 0o666, durable: bool = False
) -> None:
    """Set the content of ``target``; ``mode`` is its permissions before the umask.

    Raises:
        OSError: nothing was changed, except that a ``durable`` write may be in place unsynced.
    """
    with temporary_beside(target) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(target)
    if durable:
        sync(target.parent)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
