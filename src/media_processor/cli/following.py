"""Questions to a fast server that may be away for a while, and says so at once."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from media_processor.client import AsyncClient
from media_processor.errors import Overloaded, ServerUnreachable
from media_processor.messages import MediaStatus

T = TypeVar("T")
OnWait = Callable[[str], None]

_PAUSE = 1.0


class Patience:
    """How long the server may still be away."""

    def __init__(self, url: str, seconds: float, on_wait: OnWait) -> None:
        self._url, self._seconds, self._on_wait = url, seconds, on_wait
        self._since: float | None = None

    def is_rewarded(self) -> None:
        """It is there."""
        self._since = None

    async def wait(self, error: ServerUnreachable | Overloaded) -> None:
        """A moment; raises ``error`` if it was too long already."""
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > self._seconds:
            raise error
        told = error.detail if isinstance(error, Overloaded) else f"{self._url} can't be reached"
        self._on_wait(f"{told.rstrip('.')}; it is tried again in {_PAUSE:g} s.")
        await asyncio.sleep(_PAUSE)

    async def through(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What ``ask`` gives, asked until it is answered."""
        while True:
            try:
                return await ask()
            except (ServerUnreachable, Overloaded) as error:
                await self.wait(error)


async def follow(
    client: AsyncClient, media_id: str, patience: Patience
) -> AsyncGenerator[MediaStatus]:
    """The status at each change until it is stored or failed. ``client`` has no patience of its
    own, as it couldn't tell anybody that it waits."""
    seen: MediaStatus | None = None
    while seen is None or seen.status not in ("stored", "failed"):
        try:
            media = await client.media(media_id)
            async with aclosing(media.follow()) as changes:
                async for status in changes:
                    patience.is_rewarded()
                    if status != seen:
                        seen = status
                        yield status
        except (ServerUnreachable, Overloaded) as error:
            await patience.wait(error)
