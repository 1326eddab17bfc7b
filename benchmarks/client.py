"""The load client, the same for both systems, and cheap: it shares their cores."""

import asyncio
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.problem import BenchmarkError

HOST = "127.0.0.1"
_BOUNDARY = "benchmark-7f3a9c51"
# How often the archive's log is looked at: 2 ms is finer than anything measured here, and
# costs the client about 2 % of a core.
_LOOK_EVERY = 0.002


@dataclass(frozen=True)
class Upload:
    """A picture under a file name of its own."""

    name: str
    content: bytes


class Connection:
    """One kept-alive HTTP/1.1 connection, without any library between."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.socket()
        self._socket.setblocking(False)
        # Head, picture and tail are written apart; none shall wait for the other's ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def __aenter__(self) -> "Connection":
        await asyncio.get_running_loop().sock_connect(self._socket, (HOST, self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def post(self, upload: Upload) -> None:
        head, tail = _around(upload)
        loop = asyncio.get_running_loop()
        for piece in (head, upload.content, tail):
            await loop.sock_sendall(self._socket, piece)
        status = await self._answer()
        if status not in (200, 202):
            raise BenchmarkError(f"POST /media of {upload.name} was answered with {status}")

    async def get(self, path: str) -> int:
        request = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(self._socket, request.encode())
        return await self._answer()

    async def _answer(self) -> int:
        received = b""
        while b"\r\n\r\n" not in received:
            received += await self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        left = _content_length(head) - len(body)
        while left > 0:
            left -= len(await self._receive())
        return int(head.split(b" ", 2)[1])

    async def _receive(self) -> bytes:
        received = await asyncio.get_running_loop().sock_recv(self._socket, 65536)
        if not received:
            raise BenchmarkError("the server closed the connection without an answer")
        return received


def _around(upload: Upload) -> tuple[bytes, bytes]:
    part = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
        f'filename="{upload.name}"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    tail = f"\r\n--{_BOUNDARY}--\r\n"
    head = (
        f"POST /media HTTP/1.1\r\nHost: {HOST}\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {len(part) + len(upload.content) + len(tail)}\r\n\r\n"
    )
    return (head + part).encode(), tail.encode()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def post_all(port: int, uploads: list[Upload], *, concurrency: int, seconds: float) -> None:
    left = iter(uploads)

    async def sender() -> None:
        async with Connection(port) as connection:
            for upload in left:
                await connection.post(upload)

    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(sender() for _ in range(concurrency)))
    except TimeoutError:
        raise BenchmarkError(f"{len(uploads)} uploads took over {seconds:.0f} s") from None
    except OSError as error:
        raise BenchmarkError(f"the fast server hung up: {error}") from error


class ArchiveLog:
    """Which pictures the archive's log names, and by which worker.

    Reading it costs the system nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._torn = b""
        self.lines = 0
        self.stored: dict[str, str] = {}  # name as uploaded: worker

    async def wait_for(self, uploads: list[Upload], *, seconds: float) -> None:
        names = {upload.name for upload in uploads}
        give_up = time.monotonic() + seconds
        while missing := names - self.stored.keys():
            if time.monotonic() > give_up:
                raise BenchmarkError(f"{len(missing)} pictures not stored after {seconds:.0f} s")
            if not self._read_new():
                await asyncio.sleep(_LOOK_EVERY)

    def _read_new(self) -> bool:
        if not self._path.exists() or self._path.stat().st_size == self._offset:
            return False
        with self._path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        self._offset += len(added)
        *whole, self._torn = (self._torn + added).split(b"\n")
        for line in whole:
            self._note(line.decode())
        return True

    def _note(self, line: str) -> None:
        worker, _, image = line.partition("] WORKER: ")[2].partition(" | IMAGE: ")
        self.lines += 1
        self.stored[image.removeprefix("watermarked_")] = worker
