"""Reads every stored picture and holds it against its row: bits rot, files get lost."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from media_processor.central_server.catalogue import Catalogue
from media_processor.ids import is_media_id
from media_processor.messages.archive import StoredMedia

_BATCH = 500
# A younger file without a row may be about to get one.
_HOUR = 3600.0
_NOT_PICTURES = {"incoming", "aside"}

Damage = Literal["altered", "missing", "wrong size", "unreadable"]


@dataclass(frozen=True)
class Bad:
    """A picture that isn't what the archive took."""

    media_id: str
    stored_path: str
    damage: Damage


@dataclass
class Scrubbed:
    """What was found. ``unknown`` files have no row: a crash left them, they harm nobody."""

    files: int = 0
    bytes: int = 0
    unknown: int = 0
    bad: list[Bad] = field(default_factory=list)


def scrub(data: Path, catalogue: Catalogue, on_file: Callable[[int, Bad | None], None]) -> Scrubbed:
    """Check every stored file below ``data``; ``on_file`` hears each one's size and damage.

    Reads only. What is stored meanwhile may or may not be looked at.
    """
    found = Scrubbed()
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    with ThreadPoolExecutor(threads) as pool:
        for rows in _batches(catalogue):
            for size, bad in pool.map(lambda row: _check(data, row), rows):
                found.files += 1
                found.bytes += size
                if bad:
                    found.bad.append(bad)
                on_file(size, bad)
    found.unknown = sum(not _has_row(path, data, catalogue) for path in _old_files(data))
    return found


def _batches(catalogue: Catalogue) -> Iterator[list[StoredMedia]]:
    before: str | None = None
    while rows := catalogue.newest(before, _BATCH):
        yield rows
        before = rows[-1].media_id


def _check(data: Path, row: StoredMedia) -> tuple[int, Bad | None]:
    damage: Damage | None = None
    size = 0
    try:
        with (data / row.stored_path).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != row.size:
                damage = "wrong size"
            elif hashlib.file_digest(file, "sha256").hexdigest() != row.sha256:
                damage = "altered"
    except FileNotFoundError:
        damage = "missing"
    except OSError:
        damage = "unreadable"
    return size, Bad(row.media_id, row.stored_path, damage) if damage else None


def _has_row(path: Path, data: Path, catalogue: Catalogue) -> bool:
    media_id = path.parent.name
    entry = catalogue.find(media_id) if is_media_id(media_id) else None
    return entry is not None and data / entry.media.stored_path == path


def _old_files(data: Path) -> Iterator[Path]:
    """The archive's files, but for those of the last hour."""
    root = data / "central_storage"
    horizon = time.time() - _HOUR
    for top in os.scandir(root):
        if top.name in _NOT_PICTURES or not top.is_dir():
            continue
        for folder, _, names in os.walk(top.path):
            for name in names:
                path = Path(folder, name)
                if path.stat().st_mtime < horizon:
                    yield path
