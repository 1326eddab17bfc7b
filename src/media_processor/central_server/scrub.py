"""Reads every stored picture and compares it with its row: bits rot, files get lost."""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO, Literal

from media_processor.central_server.archive import picture_key
from media_processor.central_server.catalogue import Catalogue
from media_processor.errors import StorageError
from media_processor.ids import is_media_id, now
from media_processor.messages.archive import StoredMedia
from media_processor.storage.base import Storage

_BATCH = 500
_PIECE = 1024 * 1024
# A younger file without a row may be about to get one.
_YOUNG = timedelta(hours=1)

Damage = Literal["altered", "missing", "wrong size", "unreadable"]


@dataclass(frozen=True)
class Bad:
    """A picture that differs from what was delivered, or can't be read."""

    media_id: str
    stored_path: str
    damage: Damage


@dataclass
class Scrubbed:
    """The result. ``unknown`` counts files without a row, which a crash left; they do no harm."""

    files: int = 0
    bytes: int = 0
    unknown: int = 0
    bad: list[Bad] = field(default_factory=list)


def scrub(
    storage: Storage, catalogue: Catalogue, on_file: Callable[[int, Bad | None], None]
) -> Scrubbed:
    """Check every stored picture; ``on_file`` is called with each one's size and damage.

    Reads only. Pictures that are stored meanwhile may be left out.
    """
    result = Scrubbed()
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    with ThreadPoolExecutor(threads) as pool:
        for rows in _batches(catalogue):
            for size, bad in pool.map(lambda row: _check(storage, row), rows):
                result.files += 1
                result.bytes += size
                if bad:
                    result.bad.append(bad)
                on_file(size, bad)
    result.unknown = sum(not _has_row(key, catalogue) for key in _old_keys(storage))
    return result


def _batches(catalogue: Catalogue) -> Iterator[list[StoredMedia]]:
    before: str | None = None
    while rows := catalogue.newest(before, _BATCH):
        yield rows
        before = rows[-1].media_id


def _check(storage: Storage, row: StoredMedia) -> tuple[int, Bad | None]:
    damage: Damage | None = None
    size = 0
    try:
        with storage.open(picture_key(row.media_id, row.filename)) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            if size != row.size:
                damage = "wrong size"
            elif _digest(file) != row.sha256:
                damage = "altered"
    except FileNotFoundError:
        damage = "missing"
    except (OSError, StorageError):
        damage = "unreadable"
    return size, Bad(row.media_id, row.stored_path, damage) if damage else None


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _has_row(key: str, catalogue: Catalogue) -> bool:
    media_id = key.split("/")[-2]
    entry = catalogue.find(media_id) if is_media_id(media_id) else None
    return entry is not None and picture_key(media_id, entry.media.filename) == key


def _old_keys(storage: Storage) -> Iterator[str]:
    # Pictures lie in folders, other files don't. A young picture may not have its row yet.
    horizon = now() - _YOUNG
    return (entry.key for entry in storage.walk() if "/" in entry.key and entry.modified < horizon)
