"""What an examination ends with."""

from dataclasses import dataclass
from typing import Literal

from pydantic_settings import BaseSettings

from media_processor.cli.configuration import masked

State = Literal["well", "doubtful", "wrong"]


@dataclass(frozen=True)
class Finding:
    """``found`` is what was seen, ``to_do`` what to do if it isn't well."""

    name: str
    state: State
    found: str
    to_do: str | None = None


def told_by(settings: BaseSettings, field: str) -> str:
    """Which of this shell's settings was looked at; the servers' may be others."""
    variable = field.upper()
    if field not in settings.model_fields_set:
        return f"{variable} isn't set in this shell"
    return f"this shell's {variable}={masked(str(getattr(settings, field)))}"


def well(name: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(name, "well", found)


def doubtful(name: str, found: str, to_do: str) -> Finding:
    """It works; it may not always."""
    return Finding(name, "doubtful", found, to_do)


def wrong(name: str, found: str, to_do: str) -> Finding:
    """Pictures can't go their way like this."""
    return Finding(name, "wrong", found, to_do)
