"""What a storage does: keeps bytes by key, durably if asked, on whatever back end.

A key is a relative path of plain names with ``/`` between them. Whatever is under a key is whole:
nobody ever reads half of a write. The promises below are those that every back end keeps, a file
system as well as an object store (which has no rename, no append and no known end). Where one
keeps more, don't rely on it: tests/storage/conformance.py checks these and nothing else.

*Durable* means that it survives the loss of power once the call has returned. A *crash* is the
end of the calling process in the middle of a call.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from media_processor.storage.incoming import Incoming


@dataclass(frozen=True)
class Entry:
    """What is under a key. ``size`` is in bytes, ``modified`` when it was put there."""

    key: str
    size: int
    modified: datetime


class Storage(Protocol):
    """Bytes by key. Every method blocks, so call it from a thread, and may be called from many.

    Every method may raise:
        StorageFailing: the back end met an error. Nothing was changed, or it says what was.

    Those that write, or open an incoming file, may also raise:
        StorageFull: there is no room. Nothing was changed.
    """

    @property
    def name(self) -> str:
        """Its name for people: that of its folder or bucket."""

    # ── receiving: bytes that have no key yet ────────────────────────────────────

    @property
    def picture_process_folder(self) -> Path:
        """A local folder for what picture processes write. A file there becomes an incoming one
        by a rename."""

    def incoming(self) -> Incoming:
        """A new incoming file: local, of this process, not made yet, not durable."""

    def sync(self, incoming: Incoming) -> None:
        """Do the slow part of publishing ahead. It has no key before it is published.

        Raises:
            StorageFull, StorageFailing: its bytes are in doubt and it can't be published.
        """

    def sweep_incoming(self, older_than_seconds: float) -> int:
        """Remove what crashed processes left while they received or wrote; how many that were."""

    # ── writing ──────────────────────────────────────────────────────────────────

    def publish(self, items: Sequence[tuple[Incoming | bytes, str]]) -> None:
        """Make each incoming file or byte string durable under its key, in this order.

        What was under a key is replaced. Incoming files are used up. After a crash a key is
        set only if all before it are. After a loss of power before the return any of them may be.

        Raises:
            StorageFull, StorageFailing: none of the keys is set by this call. One that had
                content before may have lost it; what another process put there meanwhile stays.
            FileNotFoundError: an incoming file is gone; none of the keys is set.
        """

    def create(self, key: str, data: bytes) -> bool:
        """Set ``key`` durably unless it exists; whether it was set.

        Of many at once with different bytes, in any process, one sets it. With the same bytes more
        than one may be answered True: an object store can't tell a second writer from a first one
        whose answer was lost. What is under the key is durable even if the result is False.

        Raises:
            StorageFull, StorageFailing: the key is not set by this call.
        """

    def write(self, key: str, data: bytes) -> None:
        """Set ``key``, not durably: after a loss of power it may be absent, old, empty or torn."""

    def adopt(self, incoming: Incoming, key: str) -> None:
        """Set ``key`` to an incoming file, as ``write`` does. The file is used up."""

    def move(self, key: str, to: str) -> bool:
        """Put what is under ``key`` under ``to``, in place of what was there; False if it's absent.

        Expressible as a copy, then a delete: after a crash or a loss of power it is whole under at
        least one of the two keys, perhaps under both. So a caller says which of them counts.
        """

    def delete(self, key: str) -> None:
        """Remove ``key`` if it is there, not durably: after a loss of power it may be back."""

    # ── reading ──────────────────────────────────────────────────────────────────

    def read(self, key: str) -> bytes | None:
        """The bytes of ``key``, or None."""

    def size(self, key: str) -> int | None:
        """How many bytes ``key`` has, or None."""

    def open(self, key: str) -> BinaryIO:
        """What is under ``key`` now, to be read from any place, as with a ``Range``.

        It stays readable if the key is removed or replaced meanwhile, or reading raises OSError;
        bytes of two contents are never mixed. Answers over HTTP also need its file descriptor.

        Raises:
            FileNotFoundError: nothing is under the key.
        """

    def local_copy(self, key: str) -> AbstractContextManager[Path]:
        """A local file with the bytes of ``key``, while the context lasts; never write to it.

        It may be the stored file itself, and then goes when the key is removed.

        Raises:
            FileNotFoundError: nothing is under the key.
        """

    def names(self, prefix: str) -> list[str]:
        """Names directly below ``prefix``, of keys and of further prefixes, sorted, last first.

        What was set before the call is listed; the cost is that of everything listed.
        """

    def walk(self) -> Iterator[Entry]:
        """Every key, in no order; what comes or goes meanwhile may be missing."""

    # ── at start ─────────────────────────────────────────────────────────────────

    def probe(self, *, creating: bool = True) -> None:
        """Try what these promises rest on; ``creating`` is whether ``create`` is used.

        Raises:
            SetupError: the back end can't keep them. Says which of them, in one line.
        """

    # ── room ─────────────────────────────────────────────────────────────────────

    def free_bytes(self) -> int | None:
        """Room that is left, or None if there is no telling."""
