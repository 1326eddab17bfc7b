"""Reads pydantic's errors: where the value stands and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError


@dataclass(frozen=True)
class Mistake:
    """``location`` are the keys that lead to the value, ``reason`` a clause that starts in lower
    case, ``kind`` pydantic's name of the error. None of them has the value itself."""

    location: tuple[str | int, ...]
    reason: str
    kind: str


def mistakes(error: ValidationError) -> Iterator[Mistake]:
    """Everything that is wrong."""
    for each in error.errors(include_input=False, include_url=False):
        reason = each["msg"].removeprefix("Value error, ")
        yield Mistake(each["loc"], reason[:1].lower() + reason[1:], each["type"])


def first_mistake(error: ValidationError) -> Mistake:
    """The first thing that is wrong."""
    return next(mistakes(error))
