"""A picture on its way in: into memory, or into a file that appears whole or not at all."""

import io
import os
import re
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

import httpx2

from media_processor.atomic_files import temporary_name
from media_processor.filenames import MAX_STORED_FILENAME_BYTES, safe_filename

# Large enough that handing a piece to a thread (about 0.1 ms) is cheap beside writing it.
PIECE = 512 * 1024


class Download:
    """One attempt. Making one, ``write``, ``finish`` and ``drop`` block."""

    def __init__(self, to: Path | str | None, answer: httpx2.Response) -> None:
        self._target = None if to is None else _target(to, answer)
        self._file: BinaryIO
        if self._target is None:
            self._temporary, self._file = None, io.BytesIO()
        else:
            self._temporary = temporary_name(self._target)
            self._file = self._temporary.open("xb")

    def write(self, piece: bytes) -> None:
        self._file.write(piece)

    def finish(self) -> Path | bytes:
        if self._target is None or self._temporary is None:
            assert isinstance(self._file, io.BytesIO)  # noqa: S101
            return self._file.getvalue()
        self._file.close()
        self._temporary.replace(self._target)
        return self._target

    def drop(self) -> None:
        """Leave nothing half-written behind. After ``finish`` it does nothing."""
        self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


def _target(to: Path | str, answer: httpx2.Response) -> Path:
    path = Path(to)
    ends_as_folder = isinstance(to, str) and to.endswith((os.sep, "/"))
    if path.is_dir() or ends_as_folder or not (path.suffix or path.exists()):
        path.mkdir(parents=True, exist_ok=True)
        return path / _filename(answer)
    return path


def _filename(answer: httpx2.Response) -> str:
    disposition = answer.headers.get("Content-Disposition", "")
    found = re.search(r"filename\*=UTF-8''([^;]+)", disposition, re.IGNORECASE)
    if found:
        return safe_filename(unquote(found[1]), MAX_STORED_FILENAME_BYTES)
    found = re.search(r'filename="?([^";]+)', disposition, re.IGNORECASE)
    return safe_filename(found[1] if found else "", MAX_STORED_FILENAME_BYTES)
