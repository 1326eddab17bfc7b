"""The profiles of ``watermarks.toml``: read, checked, and read again when the file changes."""

import json
import logging
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from media_processor.errors import SetupError, UnknownProfile
from media_processor.images.profile import DEFAULT, Profile, Tile, Variants
from media_processor.validation import first_mistake

log = logging.getLogger(__name__)

MAX_BYTES = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SHAPE = TypeAdapter(Profile)


class Profiles:
    """``default``, and what the file names. Reading it again costs one ``stat``."""

    def __init__(self, file: Path | None) -> None:
        """Raises SetupError, which names file and line."""
        self._file = file
        self._changed = _changed(file)
        self._known = read(file) if file else {}

    def all(self) -> dict[str, Profile]:
        """Every profile by its name, ``default`` first.

        A change that can't be used is told in the log, and what was known before stays.
        """
        changed = _changed(self._file)
        if self._file and changed != self._changed:
            self._changed = changed
            try:
                self._known = read(self._file)
                log.info("🗂️ %s read again: %d profiles", self._file.name, len(self._known))
            except SetupError as error:
                log.error("❌ %s What was known before stays.", error.detail)
        return {DEFAULT.name: DEFAULT} | self._known

    def get(self, name: str) -> Profile:
        """The profile called ``name``; raises UnknownProfile."""
        profiles = self.all()
        if name not in profiles:
            raise UnknownProfile(
                f"There is no profile named {name[:40]!r}. "
                f"Known profiles: {', '.join(sorted(profiles))}."
            )
        return profiles[name]


def read(file: Path) -> dict[str, Profile]:
    """The profiles in a file; raises SetupError, which names file and line."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1).decode()
    except OSError as error:
        raise SetupError(f"WATERMARKS: {file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SetupError(f"WATERMARKS: {file} isn't UTF-8 text.") from None
    if len(text) > MAX_BYTES:
        raise SetupError(f"WATERMARKS: {file} is larger than {MAX_BYTES:,} bytes.")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"WATERMARKS: {file}: {error}.") from None
    return {name: _checked(name, table, text, file) for name, table in tables.items()}


def as_message(profile: Profile) -> dict[str, Any]:
    """A profile for another process."""
    return dict(_SHAPE.dump_python(profile, mode="json"))


def from_message(message: dict[str, Any]) -> Profile:
    """What ``as_message`` was made of."""
    return _SHAPE.validate_python(message)


def resolved(address: str, file: Path | None) -> str:
    """A logo's or font's address: a path is relative to the folder of ``file``."""
    if "://" in address or file is None:
        return address
    return str(file.parent / Path(address).expanduser())


def _checked(name: str, table: object, text: str, file: Path) -> Profile:
    def wrong(keys: tuple[str | int, ...], reason: str) -> SetupError:
        line = _line(text, name, keys)
        told = ".".join((name, *(str(key) for key in keys)))
        return SetupError(f"WATERMARKS: {file}, line {line}: {told}: {reason}.")

    if not isinstance(table, dict):
        raise wrong((), f"write a profile as a table, [{name}]")
    if not _NAME.fullmatch(name):
        raise wrong((), "a name has 1 to 40 of a-z, 0-9, - and _")
    if name == DEFAULT.name:
        raise wrong((), "default is the specification's and can't be changed; use another name")
    if "name" in table:
        raise wrong(("name",), "the name is what stands in the brackets")
    try:
        return _SHAPE.validate_json(json.dumps({"name": name} | table, default=str), strict=True)
    except ValidationError as error:
        first = first_mistake(error)
        reason = first.reason
        keys: tuple[str | int, ...] = tuple(key for key in first.location if key in _KEYS)
        if first.kind == "value_error" and ": " in reason:  # it names its key itself
            key, _, reason = reason.partition(": ")
            keys = (*keys, key)
        if first.kind in ("unexpected_keyword_argument", "extra_forbidden"):
            keys = first.location
            reason = f"there is no such key. There are: {', '.join(_keys_beside(keys))}"
        raise wrong(keys, reason) from None


def _line(text: str, name: str, keys: tuple[str | int, ...]) -> int:
    """The line that sets ``keys`` of a table, as far as it can be found; 1 is the first."""
    lines = text.splitlines()
    heads = [f"[{name}]", f'["{name}"]', f"['{name}']"]
    at = next((n for n, line in enumerate(lines) if line.split("#")[0].strip() in heads), None)
    if at is None:
        wanted = re.compile(rf"\s*\[?\"?{re.escape(name)}\b")
        at = next((n for n, line in enumerate(lines) if wanted.match(line)), 0)
    for key in keys:
        wanted = re.compile(
            rf"(\s*\[{re.escape(name)}\.|.*?\b)\"?{re.escape(str(key))}\"?\s*[=\].]"
        )
        for number in range(at, len(lines)):
            if number > at and lines[number].startswith("[") and f"[{name}." not in lines[number]:
                break
            if wanted.match(lines[number].split("#")[0]):
                at = number
                break
    return at + 1


def _changed(file: Path | None) -> tuple[int, int] | None:
    try:
        found = file.stat() if file else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None


def _keys_beside(keys: tuple[str | int, ...]) -> list[str]:
    shape = _INNER.get(keys[0], Profile) if len(keys) > 1 else Profile
    return sorted(set(shape.__dataclass_fields__) - {"name"})


_INNER: dict[str | int, type[Tile | Variants]] = {"tile": Tile, "variants": Variants}
_KEYS = {key for shape in (Profile, Tile, Variants) for key in shape.__dataclass_fields__}
