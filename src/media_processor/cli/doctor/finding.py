"""What an examination ends with."""

from dataclasses import dataclass
from typing import Literal

State = Literal["well", "doubtful", "wrong"]


@dataclass(frozen=True)
class Finding:
    """``found`` is what was seen, ``to_do`` what to do if it isn't well."""

    name: str
    state: State
    found: str
    to_do: str | None = None


def well(name: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(name, "well", found)


def doubtful(name: str, found: str, to_do: str) -> Finding:
    """It works; it may not always."""
    return Finding(name, "doubtful", found, to_do)


def wrong(name: str, found: str, to_do: str) -> Finding:
    """Pictures can't go their way like this."""
    return Finding(name, "wrong", found, to_do)
