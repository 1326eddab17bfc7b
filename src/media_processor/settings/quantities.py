"""Sizes and times as people write them: ``50MB``, ``50MiB``, ``30s``; without a unit bytes or
seconds."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

_UNITS_OF_BYTES = {"b": 1} | {
    f"{letter}{infix}b": base**power
    for power, letter in enumerate("kmgt", 1)
    for infix, base in (("", 1000), ("i", 1024))
}
_UNITS_OF_SECONDS = {
    "ms": Decimal("0.001"),
    "s": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "d": 86400,
}

# What the operating system's limits and clocks take.
_MOST_BYTES = 2**63 - 1
_MOST_SECONDS = 10 * 365 * 86400

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]+)")


def _in_units(value: Any, units: dict[str, Any]) -> Any:
    if isinstance(value, str) and (found := _QUANTITY.fullmatch(value.strip())):
        number, unit = found.groups()
        if unit.lower() in units:
            return Decimal(number) * units[unit.lower()]
    return value


def _bytes(value: Any, as_int: ValidatorFunctionWrapHandler) -> Any:
    value = _in_units(value, _UNITS_OF_BYTES)
    try:
        number = as_int(int(value) if isinstance(value, Decimal) else value)
    except ValidationError as error:
        raise _misread(error, "must be a size, such as 50MB, 50MiB or 52428800") from None
    if number > _MOST_BYTES:
        raise ValueError(f"can't be more than {_MOST_BYTES}")
    return number


def _seconds(value: Any, as_float: ValidatorFunctionWrapHandler) -> Any:
    try:
        number = as_float(_in_units(value, _UNITS_OF_SECONDS))
    except ValidationError as error:
        raise _misread(error, "must be a time, such as 500ms, 30s, 5m or 300") from None
    if not number <= _MOST_SECONDS:
        raise ValueError("can't be more than ten years")
    return number


def _misread(error: ValidationError, reason: str) -> ValueError:
    # What is out of the field's own bounds was read all right.
    kind = error.errors()[0]["type"]
    return error if kind.startswith(("greater", "less")) else ValueError(reason)


Bytes = Annotated[int, WrapValidator(_bytes)]
"""A number of bytes, perhaps with a unit: kB, MB, GB, TB (1000) or KiB, MiB, GiB, TiB (1024)."""

Seconds = Annotated[float, WrapValidator(_seconds)]
"""A number of seconds, perhaps with a unit: ms, s, m, h, d."""


def is_bytes(metadata: list[Any]) -> bool:
    """Whether a field with pydantic's ``metadata`` is one of ``Bytes``."""
    return any(getattr(one, "func", None) is _bytes for one in metadata)


def written_bytes(number: int) -> str:
    """In the largest unit of 1024 that needs no fraction."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if number and number % 1024**power == 0:
            return f"{number // 1024**power}{unit}"
    return str(number)
