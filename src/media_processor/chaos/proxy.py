"""A TCP proxy that does to connections what bad networks do."""

import asyncio
import random
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 65536
_PACKET = 1448  # of an Ethernet, less the headers
_SENT_AGAIN = 0.4  # Linux's least time-out is 0.2 s, and doubles


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
    _open: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = field(default_factory=dict)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name, fault = self.choose()
        self.seen[name] += 1
        task = asyncio.current_task()
        self._open[task] = writer
        with suppress(OSError):
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.upstream)
            try:
                await fault(Connection(reader, writer, from_server, to_server))
            finally:
                to_server.close()
        writer.close()
        del self._open[task]

    async def close(self) -> None:
        # Cancelled, they would be reported as failed.
        for client in self._open.values():
            client.transport.abort()
        if tasks := [task for task in self._open if task]:
            await asyncio.wait(tasks, timeout=1)


@asynccontextmanager
async def proxy(
    upstream: int, choose: Callable[[], tuple[str, Fault]], *, buffered: int = _PIECE
) -> AsyncIterator[Proxy]:
    """``buffered`` is about how many bytes of a connection it takes ahead of passing them on."""
    made = Proxy(upstream, choose)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffered)
    server = await asyncio.start_server(made.handle, sock=listening, limit=buffered // 2)
    made.port = listening.getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()


@dataclass
class Line:
    """One line for all connections: ``rate`` bytes a second there, each ``late`` seconds under way.

    ``lossy`` is the share of packets that are lost: their connection stands still until TCP would
    have sent them again. ``carried`` counts the bytes to the server.
    """

    rate: float
    late: float = 0.0
    lossy: float = 0.0
    rng: random.Random = field(default_factory=random.Random)
    carried: int = 0
    _free_at: float = 0.0

    async def __call__(self, connection: Connection) -> None:
        ways = (
            asyncio.create_task(self._there(connection)),
            asyncio.create_task(self._back(connection)),
        )
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _there(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while data := await connection.from_client.read(_PACKET):
                self._free_at = max(self._free_at, loop.time()) + len(data) / self.rate
                await asyncio.sleep(self._free_at - loop.time())
                if self.rng.random() < self.lossy:
                    await asyncio.sleep(_SENT_AGAIN)
                self.carried += len(data)
                loop.call_later(self.late, connection.to_server.write, data)

    async def _back(self, connection: Connection) -> None:
        with suppress(OSError):
            while data := await connection.from_server.read(_PIECE):
                await asyncio.sleep(self.late)
                connection.to_client.write(data)


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
