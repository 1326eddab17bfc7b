"""Lists every setting: its value, its source, its readers, and misspelt ones."""

import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from rich.table import Table

from media_processor.cli.output import BAD, GOOD, WARNING, cell, terminal
from media_processor.settings.variables import OF_COMMANDS, READERS, given, misspelt
from media_processor.validation import mistakes

_MASK = "***"
_SECRET_QUERY = re.compile(r"(?i)([?&][^=&#]*(?:pass|secret|token|key|sign|auth)[^=&#]*=)[^&#]+")


@dataclass(frozen=True)
class Setting:
    """A variable as it is now; ``wrong`` says why its value can't be used."""

    variable: str
    value: str | None
    source: Literal["environment", "default"]
    read_by: tuple[str, ...]
    wrong: str | None = None


def show_configuration(*, as_json: bool) -> int:
    found, unknown = settings(), misspelt()
    if as_json:
        whole = {"settings": [asdict(one) for one in found], "unknown": unknown}
        sys.stdout.write(json.dumps(whole, indent=1) + "\n")
    else:
        _print(found, unknown)
    return 1 if any(one.wrong for one in found) else 0


def settings() -> list[Setting]:
    environment = given()
    wrong = _mistakes()
    readers: dict[str, list[str]] = {}
    fields: dict[str, FieldInfo] = {}
    for service, kinds in READERS.items():
        for kind in kinds:
            for name, field in kind.model_fields.items():
                variable = name.upper()
                readers.setdefault(variable, []).append(service)
                fields.setdefault(variable, field)
    found = [
        _setting(variable, field, environment.get(variable), tuple(readers[variable]), wrong)
        for variable, field in fields.items()
    ]
    for variable, usual in OF_COMMANDS.items():
        value = environment.get(variable)
        source: Literal["environment", "default"] = "environment" if value else "default"
        found.append(Setting(variable, masked(value or usual), source, ("commands",)))
    return found


def masked(value: str, *, is_secret: bool = False) -> str:
    """``value`` with credentials and secret query values of a URL masked; any other secret is
    masked completely."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        return _MASK if is_secret else value
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # Where a port isn't one, somebody's password holds what ends an authority.
    odd = "@" not in authority and not re.fullmatch(r"(\[[^]]*\]|[^:]*)(:\d*)?", authority)
    area = rest if is_secret or odd else authority
    if "@" in area:
        rest = f"{_MASK}@{area.rpartition('@')[2]}{rest[len(area) :]}"
    rest = _SECRET_QUERY.sub(rf"\g<1>{_MASK}", rest)
    return f"{scheme}://{rest}"


def _mistakes() -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in (kind for kinds in READERS.values() for kind in kinds):
        try:
            kind()
        except ValidationError as error:
            for mistake in mistakes(error):
                found[str(mistake.location[0]).upper()] = mistake.reason
    return found


def _setting(
    variable: str,
    field: FieldInfo,
    given: str | None,
    read_by: tuple[str, ...],
    wrong: dict[str, str],
) -> Setting:
    if given is None:
        usual = field.get_default(call_default_factory=True, validated_data={})
        return Setting(variable, _written(usual), "default", read_by)
    is_secret = SecretStr in get_args(field.annotation)
    value = masked(given, is_secret=is_secret)
    return Setting(variable, value, "environment", read_by, wrong.get(variable))


def _written(usual: object) -> str | None:
    if usual is None:
        return None
    if isinstance(usual, bool):
        return str(usual).lower()
    if isinstance(usual, tuple):
        return ",".join(f"{value:g}" for value in usual)
    if isinstance(usual, Path):
        return str(usual.absolute())
    return f"{usual:g}" if isinstance(usual, float) else str(usual)


def _print(found: list[Setting], unknown: dict[str, str]) -> None:
    table = Table("variable", "value", "from", "read by", box=None)
    for one in found:
        colour = BAD if one.wrong else GOOD if one.source == "environment" else "dim"
        value = "not set" if one.value is None else one.value
        table.add_row(cell(one.variable), cell(value, colour), one.source, ", ".join(one.read_by))
    console = terminal()
    console.print(table)
    for one in found:
        if one.wrong:
            console.print(cell(f"✘ error: {one.variable}: {one.wrong}", BAD))
    for name, meant in unknown.items():
        hint = f"⚠ unknown: no service reads {name}. Did you mean {meant}?"
        console.print(cell(hint, WARNING))
