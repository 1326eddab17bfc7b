"""A server leaves descriptors to everything that isn't a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest
import uvicorn
from fastapi.responses import PlainTextResponse

from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until_async
from media_processor.http import serve


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(
        PlainTextResponse("here"), port=port, http=serve._Protocol, lifespan="off", log_config=None
    )
    server = serve._Server(config, asyncio.Event())
    running = asyncio.create_task(server._serve())

    async def started() -> bool:
        return server.started

    await wait_until_async(started, "it listens")
    yield
    server.should_exit = True
    await running


async def first_line(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return line.strip()


async def is_held(port: int, count: int) -> bool:
    """Whether this process has so many connections to the port, on its side."""
    found = psutil.Process().net_connections("tcp")
    return sum(1 for each in found if each.laddr.port == port and each.raddr) == count


async def test_too_many_connections_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve._Protocol, "most_connections", 3)
    port, request = free_port(), b"GET / HTTP/1.0\r\n\r\n"
    async with serving(port):
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        refused, still_open = await asyncio.open_connection("127.0.0.1", port)
        assert await refused.readline() == b"HTTP/1.1 503 Service Unavailable\r\n"
        await wait_until_async(lambda: is_held(port, 3), "its descriptor is free at once", 1)
        still_open.close()
        idle[0][1].close()

        async def is_served() -> bool:
            return (await first_line(port, request)).endswith(b"200 OK")

        await wait_until_async(is_served, "there is room again")
        for _, writer in idle:
            writer.close()
