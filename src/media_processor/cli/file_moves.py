"""Moves a file whole, and never over another one."""

import os
import shutil
from pathlib import Path

from media_processor.atomic_files import temporary_beside


def place(source: Path, target: Path) -> None:
    """Move a file.

    Raises:
        FileExistsError: there is one; nothing was changed.
        OSError: it can't be moved.
    """
    try:
        os.link(source, target)  # fails if there is one, where a rename would replace it
    except FileExistsError:
        raise
    except OSError:
        _copy(source, target)  # another file system, or one without links
    source.unlink()


def place_beside(source: Path, target: Path) -> Path:
    """Move a file to ``target``, or if that exists to ``name-2``, ``name-3``; returns its path."""
    chosen, number = target, 1
    while True:
        try:
            place(source, chosen)
        except FileExistsError:
            number += 1
            chosen = target.with_name(f"{target.stem}-{number}{target.suffix}")
        else:
            return chosen


def _copy(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists.")
    with temporary_beside(target) as temporary:
        shutil.copy2(source, temporary)
        temporary.rename(target)
