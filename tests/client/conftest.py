"""Both clients in one suite."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack
from inspect import isawaitable
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from media_processor.client import AsyncClient, AsyncMedia, Client, Wait
from tests.images.pictures import encoded, photo

JPEG = encoded(photo((300, 200)), "JPEG")


class Blocking:
    """An AsyncClient or AsyncMedia that is used as its blocking twin."""

    def __init__(self, inner: AsyncClient | AsyncMedia, runner: asyncio.Runner) -> None:
        self._inner = inner
        self._runner = runner

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._blocking(value) if callable(value) else value

    def _blocking(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            async def run() -> Any:
                result = method(*arguments, **named)
                return await result if isawaitable(result) else result

            result = self._runner.run(run())
            return self._items(result) if isinstance(result, AsyncGenerator) else self._wrap(result)

        return call

    def _items(self, items: AsyncGenerator[Any]) -> Iterator[Any]:
        async def next_one() -> Any:
            return await anext(items, self)

        try:
            while (item := self._runner.run(next_one())) is not self:
                yield self._wrap(item)
        finally:
            self._runner.run(_close(items))

    def _wrap(self, result: Any) -> Any:
        return Blocking(result, self._runner) if isinstance(result, AsyncMedia) else result


async def _close(items: AsyncGenerator[Any]) -> None:
    await items.aclose()


class Open(Protocol):
    """Opens a client; the test's end closes it."""

    def __call__(
        self,
        url: str,
        *,
        patience: float = 30.0,
        on_wait: Callable[[Wait], None] | None = None,
    ) -> Client: ...


@pytest.fixture(params=["blocking", "asynchronous"])
def open_client(request: pytest.FixtureRequest) -> Iterator[Open]:
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())

        def open_one(
            url: str, *, patience: float = 30.0, on_wait: Callable[[Wait], None] | None = None
        ) -> Client:
            if request.param == "blocking":
                return stack.enter_context(Client(url, patience=patience, on_wait=on_wait))
            client = Blocking(AsyncClient(url, patience=patience, on_wait=on_wait), runner)
            stack.callback(client.aclose)
            return cast(Client, client)

        yield open_one


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    path = folder / "photo.jpg"
    path.write_bytes(JPEG)
    return path
