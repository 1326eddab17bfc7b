"""Client and AsyncClient are the same but for ``await``: methods, parameters, documentation."""

import inspect
from collections.abc import Iterator

import pytest

from media_processor.client import AsyncClient, AsyncMedia, Client, Media

_ASYNC_NAMES = {"__aenter__": "__enter__", "__aexit__": "__exit__", "aclose": "close"}


# The names that differ in the documentation.
_ASYNC_WORDS = {"AsyncMedia": "Media", "AsyncClient": "Client", "aclosing": "closing"}


def _interface(kind: type[object]) -> Iterator[tuple[str, str]]:
    for name, member in vars(kind).items():
        name = _ASYNC_NAMES.get(name, name)
        if name.startswith("_") and name not in ("__enter__", "__exit__", "__repr__"):
            continue
        if isinstance(member, property):
            yield name, f"property {inspect.getdoc(member)}"
        else:
            parameters = inspect.signature(member).parameters.values()
            yield name, ", ".join(map(str, parameters))


@pytest.mark.parametrize(("one", "other"), [(Client, AsyncClient), (Media, AsyncMedia)])
def test_they_have_the_same_methods(one: type[object], other: type[object]) -> None:
    assert dict(_interface(one)) == dict(_interface(other))


@pytest.mark.parametrize(("one", "other"), [(Client, AsyncClient), (Media, AsyncMedia)])
def test_they_are_documented_alike(one: type[object], other: type[object]) -> None:
    assert _documents(one) == _documents(other)


def _documents(kind: type[object]) -> dict[str, str]:
    documents = {}
    for name, member in vars(kind).items():
        text = inspect.getdoc(member) or ""
        for word, instead in _ASYNC_WORDS.items():
            text = text.replace(word, instead)
        if inspect.isfunction(member) and not name.startswith("_"):
            documents[_ASYNC_NAMES.get(name, name)] = text
    return documents


def test_what_takes_time_is_awaited() -> None:
    """A method that forgot its ``async`` would block an event loop."""
    for kind in (AsyncClient, AsyncMedia):
        for name, member in vars(kind).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                assert inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)
