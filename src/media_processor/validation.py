"""Turns pydantic's errors into one line: which value, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError


@dataclass(frozen=True)
class Mistake:
    """``location`` are the keys that lead to the value, ``reason`` a clause that starts in lower
    case, ``kind`` pydantic's name of the error. None of them has the value itself."""

    location: tuple[str | int, ...]
    reason: str
    kind: str


def mistake(details: Mapping[str, Any]) -> Mistake:
    """One entry of ``ValidationError.errors()``, or of FastAPI's error with the same entries."""
    reason = details["msg"].removeprefix("Value error, ")
    return Mistake(details["loc"], reason[:1].lower() + reason[1:], details["type"])


def mistakes(error: ValidationError) -> Iterator[Mistake]:
    for each in error.errors(include_input=False, include_url=False):
        yield mistake(each)


def first_mistake(error: ValidationError) -> Mistake:
    return next(mistakes(error))
