"""Remembers what made each result in a folder, so that a changed logo or profile is noticed.

``.watermarked.jsonl`` in the folder, a line a result: ``[name, digest]``. It is a hint: without
its line, a result counts as made with today's logo and profile.
"""

import json
from contextlib import suppress
from pathlib import Path

from media_processor.cli.output import complain

_NAME = ".watermarked.jsonl"


class ResultsLog:
    """The results in ``folder`` by name, each with the digest of what made it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / _NAME
        self._made_by: dict[str, str] = {}
        self._is_writable = True
        with suppress(OSError):
            for line in self._file.read_bytes().splitlines():
                self._read(line)

    def _read(self, line: bytes) -> None:
        with suppress(ValueError):  # torn: that run was killed
            match json.loads(line):
                case [str(name), str(digest)]:
                    self._made_by[name] = digest

    def made_by(self, target: Path) -> str | None:
        return self._made_by.get(self._name_of(target))

    def keep(self, target: Path, digest: str) -> None:
        name = self._name_of(target)
        if self._made_by.get(name) == digest or not self._is_writable:
            return
        self._made_by[name] = digest
        try:
            with self._file.open("a") as file:
                file.write(f"\n{json.dumps([name, digest])}")
        except OSError as error:
            self._is_writable = False
            complain(f"{self._file}: {error.strerror}, so a changed logo won't be noticed.")

    def _name_of(self, target: Path) -> str:
        return str(target.relative_to(self._folder))
