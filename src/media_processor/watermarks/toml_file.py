"""Reads ``watermarks.toml``: what is wrong in it is reported with its line."""

import json
import re
import tomllib
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from media_processor.errors import SetupError
from media_processor.images.profile import DEFAULT, Profile, Tile, Variants
from media_processor.validation import first_mistake

MAX_BYTES = 1_000_000
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SHAPE = TypeAdapter(Profile)


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
    return {name: _check(name, table, text, file) for name, table in tables.items()}


def _check(name: str, table: object, text: str, file: Path) -> Profile:
    def wrong(keys: tuple[str | int, ...], reason: str) -> SetupError:
        line = _line(text, name, keys)
        where = ".".join((name, *(str(key) for key in keys)))
        return SetupError(f"WATERMARKS: {file}, line {line}: {where}: {reason}.")

    if not isinstance(table, dict):
        raise wrong((), f"must be a table, [{name}]")
    if not _NAME.fullmatch(name):
        raise wrong((), "a profile's name must be 1 to 40 characters of a-z, 0-9, - and _")
    if name == DEFAULT.name:
        raise wrong((), "can't be changed; use another name")
    if "name" in table:
        raise wrong(("name",), "unknown key; the name of a profile is in the brackets")
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
            reason = f"unknown key; known are {', '.join(_keys_beside(keys))}"
        raise wrong(keys, reason) from None


def _line(text: str, name: str, keys: tuple[str | int, ...]) -> int:
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


def _keys_beside(keys: tuple[str | int, ...]) -> list[str]:
    shape = _INNER.get(keys[0], Profile) if len(keys) > 1 else Profile
    return sorted(set(shape.__dataclass_fields__) - {"name"})


_INNER: dict[str | int, type[Tile | Variants]] = {"tile": Tile, "variants": Variants}
_KEYS = {key for shape in (Profile, Tile, Variants) for key in shape.__dataclass_fields__}
