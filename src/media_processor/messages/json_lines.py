"""Plain dataclasses as lines of JSON, checked while they are read.

The pipes between a pool and its picture processes carry them. Pydantic would do the same, but
takes longer to load than most pictures take.
"""

import json
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(message: Any) -> bytes:
    return json.dumps(asdict(message), separators=(",", ":")).encode() + b"\n"


def decode(kind: type[T], line: bytes) -> T:
    """The dataclass of type ``kind`` in a line; raises ValueError for any other content.

    Unknown fields are ignored, as in every message.
    """
    try:
        return read(kind, json.loads(line))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read(kind: type[T], value: object) -> T:
    """Raises ValueError unless ``value``, as json.loads gives it, is a ``kind``."""
    return cast(T, _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _read_fields(kind, value)
    if origin in (Union, UnionType):
        return _read_first(arguments, value)
    if origin is Literal and value in arguments:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_read(arguments[0], each) for each in value)
    if origin is dict and isinstance(value, dict):
        return {_read(arguments[0], key): _read(arguments[1], v) for key, v in value.items()}
    if kind is float and type(value) is int:
        return float(value)
    if kind in (str, int, float, bool, NoneType) and type(value) is kind:
        return value
    raise ValueError(f"{str(value)[:80]!r} isn't {kind}")


def _read_fields(kind: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{str(value)[:80]!r} isn't a {kind.__name__}")
    hints = _hints(kind)
    known = {
        each.name: _read(hints[each.name], value[each.name])
        for each in fields(kind)
        if each.name in value
    }
    try:
        return kind(**known)
    except TypeError as error:  # a field is missing
        raise ValueError(str(error)) from None


def _read_first(kinds: tuple[Any, ...], value: Any) -> Any:
    for kind in kinds:
        try:
            return _read(kind, value)
        except ValueError as error:
            reason = error
    raise reason


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
