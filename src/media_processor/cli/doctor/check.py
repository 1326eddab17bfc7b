"""The result of one check: ok, a warning or an error."""

from dataclasses import dataclass

from pydantic_settings import BaseSettings

from media_processor.cli.config.configuration import masked
from media_processor.messages.base import State


@dataclass(frozen=True)
class Finding:
    """``found`` is what was found, ``to_do`` how to fix it."""

    name: str
    state: State
    found: str
    to_do: str | None = None


def source_of(settings: BaseSettings, field: str) -> str:
    # The servers may have other settings than this shell.
    variable = field.upper()
    if field not in settings.model_fields_set:
        return f"{variable} is not set in this shell"
    return f"this shell's {variable}={masked(str(getattr(settings, field)))}"


def ok(name: str, found: str) -> Finding:
    return Finding(name, "ok", found)


def warning(name: str, found: str, to_do: str) -> Finding:
    """It works now, but may not always, or not as well as it could."""
    return Finding(name, "warning", found, to_do)


def error(name: str, found: str, to_do: str) -> Finding:
    """Pictures can't be processed until this is fixed."""
    return Finding(name, "error", found, to_do)
