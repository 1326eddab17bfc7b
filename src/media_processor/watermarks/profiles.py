"""The profiles of ``watermarks.toml``: read, checked, and read again when the file changes."""

import logging
from pathlib import Path

from media_processor.errors import SetupError, UnknownProfile
from media_processor.images.profile import DEFAULT, Profile

log = logging.getLogger(__name__)


class Profiles:
    """``default``, and what the file names. Reading it again costs one ``stat``."""

    def __init__(self, file: Path | None) -> None:
        """Raises SetupError, which names file and line."""
        self._file = file
        self._changed = _changed(file)
        self._known = _read(file) if file else {}

    def all(self) -> dict[str, Profile]:
        changed = _changed(self._file)
        if self._file and changed != self._changed:
            self._changed = changed
            try:
                self._known = _read(self._file)
                log.info("🗂️ %s reloaded; profiles: %d", self._file.name, len(self._known))
            except SetupError as error:
                log.error("❌ %s The previous profiles stay in use.", error.detail)
        return {DEFAULT.name: DEFAULT} | self._known

    def get(self, name: str) -> Profile:
        profiles = self.all()
        if name not in profiles:
            raise UnknownProfile(
                f"There is no profile {name[:40]!r}. Known profiles: {', '.join(sorted(profiles))}."
            )
        return profiles[name]


def resolve(address: str, file: Path | None) -> str:
    if "://" in address or file is None:
        return address
    return str(file.parent / Path(address).expanduser())


def _read(file: Path) -> dict[str, Profile]:
    # Most have no such file, and checking it needs pydantic, which takes a while to load.
    from media_processor.watermarks.toml_file import read

    return read(file)


def _changed(file: Path | None) -> tuple[int, int] | None:
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None
