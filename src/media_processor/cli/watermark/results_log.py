"""Remembers the results in a folder: notices a changed logo or profile, and one that comes again.

``.watermarked.jsonl`` in the folder, a line a result: ``[name, digest of what made it, SHA-256,
profile]``. Lines of older versions, and of what wasn't watermarked, have the first two alone. It is
a hint: without its line, a result counts as made with today's logo and profile.
"""

import json
from contextlib import suppress
from functools import cache
from hashlib import file_digest
from pathlib import Path

from media_processor.cli.output import complain

_NAME = ".watermarked.jsonl"


class ResultsLog:
    """The results in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / _NAME
        self._made_by: dict[str, str] = {}
        self._by_content: dict[str, tuple[str, str]] = {}
        self._is_writable = True
        with suppress(OSError):
            for line in self._file.read_bytes().splitlines():
                self._read(line)

    def _read(self, line: bytes) -> None:
        with suppress(ValueError):  # torn: that run was killed
            match json.loads(line):
                case [str(name), str(digest), str(content), str(profile)]:
                    self._made_by[name] = digest
                    self._by_content[content] = name, profile
                case [str(name), str(digest)]:
                    self._made_by[name] = digest

    def made_by(self, target: Path) -> str | None:
        return self._made_by.get(self._name_of(target))

    @property
    def knows_contents(self) -> bool:
        return bool(self._by_content)

    def result_of(self, content: str) -> tuple[Path, str] | None:
        """The result with this SHA-256, as it was named, and its profile."""
        found = self._by_content.get(content)
        return (self._folder / found[0], found[1]) if found else None

    def keep(self, target: Path, digest: str, *content_and_profile: str) -> None:
        name = self._name_of(target)
        is_known = all(content in self._by_content for content in content_and_profile[:1])
        if (self._made_by.get(name) == digest and is_known) or not self._is_writable:
            return
        self._made_by[name] = digest
        try:
            with self._file.open("a") as file:
                file.write(f"\n{json.dumps([name, digest, *content_and_profile])}")
        except OSError as error:
            self._is_writable = False
            complain(f"{self._file}: {error.strerror}, so a changed logo won't be noticed.")

    def _name_of(self, target: Path) -> str:
        return str(target.relative_to(self._folder))


_log_in = cache(ResultsLog)


def note_own_result(source: Path, log: ResultsLog) -> tuple[str, ...]:
    """Whether ``source`` is a result of an earlier run, as ``log`` or a folder above it knows."""
    above = (_log_in(folder) for folder in source.absolute().parents)
    logs = [each for each in (log, *above) if each.knows_contents]
    if not logs:
        return ()
    with source.open("rb") as file:
        content = file_digest(file, "sha256").hexdigest()
    for each in logs:
        if found := each.result_of(content):
            path, profile = found
            return (
                f"the picture is watermarked already: it came from here as {path.name}, with the "
                f"profile {profile}",
            )
    return ()
