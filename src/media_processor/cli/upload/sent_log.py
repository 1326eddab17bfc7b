"""Remembers what the server accepted, so that a second run doesn't send it again.

It is a hint: the Idempotency-Key keeps a picture from being stored twice. A damaged file only
costs sending pictures again.

``$XDG_STATE_HOME/media-processor/sent/<digest of the server's address>``, a line a picture:
its key (64 hexadecimal digits), a space, its id.
"""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from media_processor.atomic_files import write_atomically

# About 10 MB in memory, 5 on the disk; the older half goes when it is more.
_MOST_LINES = 50_000
_LINE = re.compile(rb"([0-9a-f]{64}) ([0-9a-f-]{36})")
_LINE_BYTES = 64 + 1 + 36 + 1


class SentLog:
    """The keys that one server accepted, with the ids it gave them."""

    def __init__(self, url: str) -> None:
        self._file = _folder() / hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:32]
        self._known: dict[str, str] = {}
        self._torn = False
        self.complaint: str | None = None
        """Why nothing can be remembered, if so."""
        with suppress(OSError):
            self._read()

    def id_of(self, key: str) -> str | None:
        return self._known.get(key)

    def keep(self, key: str, media_id: str) -> None:
        if self._known.get(key) == media_id:
            return
        self._known[key] = media_id
        line = f"{key} {media_id}\n".encode()
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not waiting for whoever reads a pipe that somebody put there.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
            descriptor = os.open(self._file, flags, 0o600)
            try:
                # One write: another run's line isn't torn by ours.
                os.write(descriptor, b"\n" + line if self._torn else line)
            finally:
                os.close(descriptor)
            self._torn = False
        except OSError as error:
            self.complaint = f"{self._file}: {error.strerror}"

    def _read(self) -> None:
        if not self._file.is_file():
            return
        with self._file.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _MOST_LINES * _LINE_BYTES))
            content = file.read()
        lines = content.split(b"\n")
        self._torn = bool(lines[-1])
        for line in lines:
            if found := _LINE.fullmatch(line):
                self._known[found[1].decode()] = found[2].decode()
        if size > _MOST_LINES * _LINE_BYTES:
            self._shorten()

    def _shorten(self) -> None:
        kept = list(self._known.items())[-_MOST_LINES // 2 :]
        content = "".join(f"{key} {media_id}\n" for key, media_id in kept)
        write_atomically(self._file, content.encode(), mode=0o600)
        self._torn = False


def _folder() -> Path:
    # XDG Base Directory Specification.
    named = os.environ.get("XDG_STATE_HOME", "")
    state = Path(named) if Path(named).is_absolute() else Path("~/.local/state").expanduser()
    return state / "media-processor" / "sent"
