"""Turns errors of the operating system into StorageFull and StorageFailing."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from media_processor.errors import StorageError, StorageFailing, StorageFull

FULL = {errno.ENOSPC, errno.EDQUOT}

# What callers ask about a name, and what networks raise.
_OTHERS = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError)
_OF_NETWORKS = (ConnectionError, TimeoutError)


def storage_error(error: BaseException) -> StorageError | None:
    """StorageFull for a full disk, StorageFailing for whatever else keeps it from working.

    That is a broken disk, but also too many open files, a missing permission, a file system that
    is read-only, lacks an operation, or is no longer there (ESTALE). None for all other errors.
    """
    if not isinstance(error, OSError) or isinstance(error, _OTHERS + _OF_NETWORKS):
        return None
    if error.errno is None:
        return None
    if error.errno in FULL:
        return StorageFull("The disk is full. Free some space, then send the picture again.")
    return StorageFailing(
        f"The disk reported an error ({error.strerror}). Nothing was saved; send it again."
    )


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise ``storage_error`` for what the disk reports; let other errors through."""
    try:
        yield
    except OSError as error:
        if failed := storage_error(error):
            raise failed from error
        raise
