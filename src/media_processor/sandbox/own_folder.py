"""The one folder that a picture process can write to: empty before each picture."""

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from media_processor.errors import DecoderCrash
from media_processor.formats import HEAD_BYTES, recognise
from media_processor.storage.probe import clock_of

_PREFIX = "process-"
# A process that lives makes files in its folder again and again; if one that was idle for so
# long loses it, it is started anew. In seconds.
_ABANDONED = 24 * 3600.0


class OwnFolder:
    def __init__(self, parent: Path) -> None:
        """Raises OSError."""
        parent.mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self.result = self.path / "result"

    def exists(self) -> bool:
        return self.path.is_dir()

    def hand_over(self, target: Path, content_type: str | None) -> None:
        """Rename the result to ``target``, if its first bytes are of the ``content_type``.

        Raises:
            DecoderCrash: there is no such result.
            OSError: it can't be read or renamed.
        """
        if content_type is not None and _content_type(self.result) != content_type:
            raise DecoderCrash("The picture process wrote something else than it says.")
        try:
            self.result.replace(target)
        except FileNotFoundError:
            if self.result.exists():
                raise
            raise DecoderCrash("The picture process wrote nothing.") from None

    def clear(self) -> None:
        with suppress(OSError):
            for left in self.path.iterdir():
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _content_type(file: Path) -> str | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        found = recognise(os.read(descriptor, HEAD_BYTES)) if is_file else None
    finally:
        os.close(descriptor)
    return found.content_type if found else None


def sweep_folders(parent: Path) -> None:
    """Remove the folders of processes whose parents were killed."""
    with suppress(OSError):
        horizon = clock_of(parent) - _ABANDONED
        for folder in parent.glob(f"{_PREFIX}*"):
            with suppress(FileNotFoundError):  # another sweeper was faster
                if folder.lstat().st_mtime < horizon:
                    shutil.rmtree(folder, ignore_errors=True)
