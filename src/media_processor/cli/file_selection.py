"""Finds the pictures that arguments name: files, folders, patterns, lists."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from media_processor.errors import SetupError
from media_processor.formats import content_type_of, titles

NONE_THERE = f"No pictures found. Supported formats: {titles()}."


@dataclass(frozen=True)
class Found:
    """A file and, if it was found in a folder, that folder."""

    path: Path
    root: Path | None = None

    @property
    def place(self) -> Path:
        return self.path.parent.relative_to(self.root) if self.root else Path()


def listed(stream: BinaryIO, *, by_null: bool) -> list[Path]:
    names = stream.read().split(b"\0" if by_null else b"\n")
    return [Path(os.fsdecode(name)) for name in names if name]


def pictures_in(paths: Iterable[Path]) -> Iterator[Found]:
    """Yields named files, the pictures below named folders, and those that match a pattern.

    Raises:
        SetupError: a path doesn't exist, or is neither file nor folder; a pattern matches nothing.
    """
    for path in paths:
        if path.is_dir():
            yield from below(path)
        elif path.is_file():
            yield Found(path)
        elif path.exists():  # a pipe would be waited for, for ever
            raise SetupError(f"{path} isn't a file.")
        elif glob.has_magic(str(path)):
            if not (fitting := _fitting(path)):
                raise SetupError(f"No picture matches {path}.")
            yield from fitting
        else:
            raise SetupError(f"{path} doesn't exist.")


def below(folder: Path) -> Iterator[Found]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if content_type_of(path.suffix) and not hidden and path.is_file():
            yield Found(path, folder)


def _fitting(pattern: Path) -> list[Found]:
    # For what no shell expanded.
    found: list[Found] = []
    for name in sorted(glob.glob(str(pattern.expanduser()), recursive=True)):  # noqa: PTH207
        path = Path(name)
        if path.is_file() and content_type_of(path.suffix):
            found.append(Found(path))
    return found
