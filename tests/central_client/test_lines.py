"""Deliveries over slow lines: what is progress, and how many there are at a time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from media_processor.central_client import CentralClient, progress
from media_processor.central_client.lines import Lines
from media_processor.central_client.progress import NoProgress, moved_bytes
from media_processor.errors import CentralUnavailable
from media_processor.ids import new_media_id, now
from media_processor.messages.archive import DeliveryFields
from media_processor.messages.media import Receipt

PATIENCE = 0.25
SIZE = 400_000
FIELDS = DeliveryFields(worker_name="worker-1")

RECEIPT = Receipt(
    media_id=new_media_id(), stored_path="x", sha256="0" * 64, size=SIZE, stored_at=now()
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def archive(serve: Serve) -> AsyncIterator[str]:
    """A server whose kernel takes little more than ``serve`` has read."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, sock=listening, limit=8_192)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/upload-final"
    finally:
        server.close()


async def read_slowly(reader: asyncio.StreamReader, seconds: float, share: float = 1) -> None:
    left = SIZE * share
    began = asyncio.get_running_loop().time()
    while left > 0:
        left -= len(await reader.read(8_192))
        due = began + seconds * (1 - left / SIZE)
        await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))


async def answer(writer: asyncio.StreamWriter) -> None:
    body = RECEIPT.model_dump_json()
    writer.write(f"HTTP/1.1 201 Created\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    await writer.drain()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(bytes(SIZE))
    return path


async def deliver(url: str, picture: Path, times: int = 1) -> list[Receipt]:
    client = CentralClient(url, timeout=PATIENCE, connections=1)
    try:
        return [await client.deliver(picture, "a.jpg", "image/jpeg", FIELDS) for _ in range(times)]
    finally:
        await client.close()


async def test_a_delivery_takes_as_long_as_it_moves(picture: Path) -> None:
    """On a kept-alive connection, too, whose bytes of before don't count."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await read_slowly(reader, 2.5 * PATIENCE)
            await answer(writer)

    async with archive(serve) as url:
        assert await deliver(url, picture, times=2) == [RECEIPT, RECEIPT]


async def nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(4 * PATIENCE)


async def half(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await read_slowly(reader, PATIENCE, share=0.5)
    await asyncio.sleep(4 * PATIENCE)


async def everything_without_an_answer(
    reader: asyncio.StreamReader, _: asyncio.StreamWriter
) -> None:
    await read_slowly(reader, 0)
    await asyncio.sleep(4 * PATIENCE)


@pytest.mark.parametrize("serve", [nothing, half, everything_without_an_answer])
async def test_a_delivery_that_stands_still_ends(picture: Path, serve: Serve) -> None:
    async with archive(serve) as url, asyncio.timeout(3 * PATIENCE):
        with pytest.raises(NoProgress, match=r"for 0\.25 s"):
            await deliver(url, picture)


async def test_a_delivery_below_the_minimum_pace_ends(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MINIMUM_PACE", 10 * SIZE)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_slowly(reader, 4 * PATIENCE)
        await answer(writer)

    async with archive(serve) as url:
        with pytest.raises(NoProgress, match="slower than"):
            await deliver(url, picture)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_closed_connection_has_moved_nothing(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def close() -> tuple[int | None, int | None]:
        async with archive(nothing) as url:
            port = int(url.split(":")[2].split("/")[0])
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            connection = writer.get_extra_info("socket")
            open_one = moved_bytes(connection)
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()
            return open_one, moved_bytes(connection)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        open_one, closed = runner.run(close())
    assert open_one is not None
    assert closed is None


class Deliveries:
    """As many as ``lines`` allow, which end when the test says so."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._under_way: list[asyncio.Future[None]] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def _one(self) -> None:
        async with self._lines.one():
            end = asyncio.get_running_loop().create_future()
            self._under_way.append(end)
            await end

    async def begin(self, count: int) -> int:
        """Returns how many are under way then."""
        self._tasks += [asyncio.create_task(self._one()) for _ in range(count)]
        return await self._settled()

    async def end(self, count: int, error: Exception | None = None) -> int:
        ending, self._under_way = self._under_way[:count], self._under_way[count:]
        for one in ending:
            one.set_exception(error) if error else one.set_result(None)
        return await self._settled()

    async def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _settled(self) -> int:
        for _ in range(10):
            await asyncio.sleep(0)
        return len(self._under_way)


@pytest.fixture
async def deliveries() -> AsyncIterator[Deliveries]:
    line: Any = object()
    made = Deliveries(Lines(lambda: line, 8))
    yield made
    await made.cancel()


STUCK = NoProgress("stuck")


async def test_a_round_without_progress_halves_them_once(deliveries: Deliveries) -> None:
    assert await deliveries.begin(40) == 8
    assert await deliveries.end(8, STUCK) == 4
    assert await deliveries.end(4, STUCK) == 2
    assert await deliveries.end(2, STUCK) == 1
    assert await deliveries.end(1, STUCK) == 1


async def test_each_round_with_answers_adds_one_up_to_the_most(deliveries: Deliveries) -> None:
    await deliveries.begin(100)
    await deliveries.end(8, STUCK)
    await deliveries.end(4, STUCK)
    grown = [await deliveries.end(count) for count in (2, 3, 4, 5, 6, 7, 8, 8)]
    assert grown == [3, 4, 5, 6, 7, 8, 8, 8]


async def test_other_failures_change_nothing(deliveries: Deliveries) -> None:
    await deliveries.begin(24)
    assert await deliveries.end(8, CentralUnavailable("refused")) == 8
