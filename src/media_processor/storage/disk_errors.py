"""Turns errors of the operating system into StorageFull and StorageFailing."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from media_processor.errors import StorageFailing, StorageFull

_FULL = {errno.ENOSPC, errno.EDQUOT}
# A file system that met an error of its disk often goes on read-only.
_FAILING = {errno.EIO, errno.EROFS}


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise StorageFull for a full disk, StorageFailing for a broken one; let others through."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(
                "The disk is full. Free some space, then send the picture again."
            ) from error
        if error.errno in _FAILING:
            raise StorageFailing(
                f"The disk reported an error ({error.strerror}). Nothing was saved; send it again."
            ) from error
        raise
