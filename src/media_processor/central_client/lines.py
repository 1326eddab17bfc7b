"""Deliveries at the same time: as many as the way to the central server bears."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import httpx2

from media_processor.central_client.progress import NoProgress, moved_bytes, while_it_moves

log = logging.getLogger(__name__)


class Line:
    """One connection, kept alive between deliveries, whose progress can be seen."""

    def __init__(self, http: httpx2.AsyncClient, seconds: float) -> None:
        """``http`` has one connection; ``seconds`` is how long nothing may move."""
        self._http = http
        self._seconds = seconds
        self._connection: socket.socket | None = None
        self._before = 0  # bytes that had moved on the connection when the delivery began

    async def send(
        self, url: httpx2.URL, form: dict[str, str], picture: Path, filename: str, content_type: str
    ) -> httpx2.Response:
        """Raises NoProgress, or what httpx2 raises."""
        self._before = moved_bytes(self._connection) or 0
        with _LargeReads(picture) as file:

            def moved() -> int:
                found = moved_bytes(self._connection)
                return file.tell() if found is None else found - self._before

            async with while_it_moves(self._seconds, moved):
                return await self._http.post(
                    url,
                    data=form,
                    files={"file": (filename, file, content_type)},
                    timeout=None,
                    extensions={"trace": self._trace},
                )

    async def close(self) -> None:
        await self._http.aclose()

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            self._connection = info["return_value"].get_extra_info("socket")
            self._before = 0


class Lines:
    """At most ``most``; half as many after one that made no progress, one more for each round of
    deliveries that got an answer."""

    def __init__(self, open_line: Callable[[], Line], most: int) -> None:
        self._open = open_line
        self._most = most
        self._allowed = most
        self._busy = 0
        self._answered = 0  # since the number changed
        self._free: list[Line] = []
        self._room = asyncio.Event()
        self._falls = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Line]:
        """A line for one delivery, as soon as there is one."""
        while self._busy >= self._allowed:
            self._room.clear()
            await self._room.wait()
        line = self._free.pop() if self._free else self._open()
        self._busy += 1
        falls = self._falls
        try:
            yield line
            self._rise()
        except NoProgress:
            # Those that began beside it have met the same: one fall for all of them.
            if falls == self._falls:
                self._fall()
            raise
        finally:
            self._free.append(line)
            self._busy -= 1
            self._room.set()

    async def close(self) -> None:
        """None may be in use."""
        for line in self._free:
            await line.close()

    def _rise(self) -> None:
        self._answered += 1
        if self._answered >= self._allowed < self._most:
            self._allowed, self._answered = self._allowed + 1, 0

    def _fall(self) -> None:
        self._falls += 1
        self._answered = 0
        if self._allowed > 1:
            self._allowed //= 2
            log.warning(
                "🐌 the way to the central server is slow; deliveries at a time now: %d",
                self._allowed,
            )


class _LargeReads(FileIO):
    """A file that is read a megabyte at a time, whatever size is requested.

    httpx2 requests 64 KiB, and each chunk costs a pass through its layers: at 4.8 MB that was
    half the time of sending.
    """

    def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002
        return super().read(1024 * 1024)
