"""A TCP proxy that does to connections what bad networks do."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 65536


@dataclass
class Connection:
    """One client and its upstream."""

    from_client: asyncio.StreamReader
    to_client: asyncio.StreamWriter
    from_server: asyncio.StreamReader
    to_server: asyncio.StreamWriter

    def reset(self) -> None:
        self.to_client.transport.abort()


Fault = Callable[[Connection], Awaitable[None]]


@dataclass
class Proxy:
    """Forwards to one port; every new connection gets the fault that ``choose`` gives."""

    upstream: int
    choose: Callable[[], tuple[str, Fault]]
    seen: Counter[str] = field(default_factory=Counter)
    port: int = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, fault = self.choose()
        self.seen[name] += 1
        with suppress(OSError):
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
            try:
                await fault(Connection(reader, writer, from_server, to_server))
            finally:
                to_server.close()
        writer.close()


@asynccontextmanager
async def proxy(upstream: int, choose: Callable[[], tuple[str, Fault]]) -> AsyncIterator[Proxy]:
    made = Proxy(upstream, choose)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


# ── faults ───────────────────────────────────────────────────────────────────────────


async def clean(connection: Connection) -> None:
    await _both(connection, _copy(connection.from_client, connection.to_server))


async def slow(connection: Connection) -> None:
    await asyncio.sleep(0.5)
    await clean(connection)


async def reset_in_the_middle(connection: Connection) -> None:
    connection.to_server.write(await connection.from_client.read(_PIECE))
    await asyncio.sleep(0.01)
    connection.reset()


async def drip(connection: Connection) -> None:
    await _both(connection, _copy(connection.from_client, connection.to_server, 512, 0.005))


async def half_open(connection: Connection) -> None:
    while await connection.from_client.read(_PIECE):
        pass


async def lose_the_reply(connection: Connection) -> None:
    sending = asyncio.create_task(_copy(connection.from_client, connection.to_server))
    reply = await _reply(connection.from_server)
    if reply.startswith(b"HTTP/1.1 201"):
        connection.reset()
    else:
        connection.to_client.write(reply)
    sending.cancel()


def flip_a_byte(rng: random.Random, answers: Counter[int]) -> Fault:
    """``answers`` counts the statuses that came back."""

    async def flip(connection: Connection) -> None:
        head = await connection.from_client.read(_PIECE)
        if not head.startswith(b"POST"):  # it has no picture
            connection.to_server.write(head)
            await clean(connection)
            return
        reply = await _both(connection, _copy_flipped(connection, rng, head))
        if reply:
            answers[int(reply.split(b" ", 2)[1])] += 1

    return flip


async def _both(connection: Connection, sending: Coroutine[None, None, None]) -> bytes:
    # One request only, so that the next one meets a fault anew.
    task = asyncio.create_task(sending)
    try:
        reply = await _reply(connection.from_server)
        connection.to_client.write(reply)
        await connection.to_client.drain()
        return reply
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _reply(server: asyncio.StreamReader) -> bytes:
    try:
        head = await server.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return head + await server.readexactly(int(length[1]) if length else 0)
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _copy(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    piece: int = _PIECE,
    pause: float = 0.0,
) -> None:
    with suppress(OSError):
        while data := await reader.read(piece):
            writer.write(data)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)


async def _copy_flipped(connection: Connection, rng: random.Random, head: bytes) -> None:
    # The picture is what lies between a JPEG's first marker and its end marker.
    while b"\xff\xd8\xff" not in head:
        data = await connection.from_client.read(_PIECE)
        if not data:
            return
        head += data
    while b"\xff\xd9\r\n--" not in head:
        data = await connection.from_client.read(_PIECE)
        if not data:
            break
        head += data
    start, end = head.index(b"\xff\xd8\xff"), head.index(b"\xff\xd9\r\n--")
    spoilt = bytearray(head)
    spoilt[rng.randrange(start, end)] ^= 1 << rng.randrange(8)
    connection.to_server.write(bytes(spoilt))
    await connection.to_server.drain()
    await _copy(connection.from_client, connection.to_server)
