"""Tries at start what a storage on a file system rests on, on files of its own."""

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from media_processor.atomic_files import sync
from media_processor.errors import SetupError
from media_processor.storage.disk_errors import FULL

# What uploads left behind is removed after an hour, by the file system's clock: some file systems
# take a file's time from the host that writes it, so hosts and file system must roughly agree.
_MOST_APART = 900.0


def clock_of(folder: Path) -> float:
    """The time by the clock of the folder's file system: another host's if it is shared.

    What is compared with a file's time must be of the same clock.
    """
    os.utime(folder)
    return folder.stat().st_mtime


def probe_file_system(root: Path, folder: Path, *, links: bool) -> None:
    """Try writing, syncing, linking (if ``links``) and renaming in ``folder``, and the clock.

    Raises:
        SetupError: what doesn't work, in one line that names ``root``.
    """
    names = [folder / f"{uuid4().hex}.part" for _ in range(3)]
    first, second, linked = names
    doing = "write files"
    try:
        first.write_bytes(b"probe")
        second.write_bytes(b"probe")
        apart = first.stat().st_mtime - time.time()
        doing = "sync files"
        sync(first)
        if links:
            doing = "make hard links"
            linked.hardlink_to(second)
        doing = "rename files"
        first.replace(second)
        doing = "sync folders"
        sync(folder)
    except OSError as error:
        if error.errno in FULL:
            return  # a worker with a full disk goes on: what was accepted still reaches the archive
        raise SetupError(
            f"{root} can't be used: this process can't {doing} there ({error.strerror}). "
            "docs/reliability.md lists which file systems are supported."
        ) from error
    finally:
        for name in names:
            with suppress(OSError):
                name.unlink(missing_ok=True)
    if abs(apart) > _MOST_APART:
        where = "behind" if apart > 0 else "ahead of"
        raise SetupError(
            f"This host's clock is {abs(apart):,.0f} s {where} that of the file system of {root}. "
            "Set both by NTP."
        )
