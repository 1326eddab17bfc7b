"""An incoming file: local bytes on their way into a storage."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from media_processor.storage.disk_errors import disk_errors


@dataclass(frozen=True)
class Incoming:
    """A local file whatever the back end, as a picture's header and digest are read before it has
    a key, and picture processes write to files.

    As a context it is discarded at the end, unless a storage has taken it by then.
    """

    path: Path

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Make the file, to be written once.

        Raises:
            StorageFull, StorageFailing: as the disk says while it is written.
        """
        with disk_errors(), self.path.open("xb") as file:
            yield file

    def discard(self) -> None:
        # What can't be removed now is swept later.
        with suppress(OSError):
            self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()
