"""A real server on raw sockets, for what a well-behaved one never does. Each connection carries
one request."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx2

from media_processor.http.problems import problem
from media_processor.ids import new_media_id
from media_processor.messages.media import Attempts, MediaLinks, MediaStatus, Status


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    connection: socket.socket
    head: str
    rest: bytes

    @property
    def method(self) -> str:
        return self.head.split(" ", 2)[0]

    @property
    def path(self) -> str:
        return self.head.split(" ", 2)[1]

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return ""

    def body(self) -> bytes:
        length = int(self.header("Content-Length") or 0)
        while len(self.rest) < length:
            data = self.connection.recv(65536)
            if not data:
                break
            self.rest += data
        return self.rest

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


Action = Callable[[Exchange], None]


class Stub:
    """Does with each request what ``choose`` says, and keeps what was asked."""

    def __init__(self, choose: Callable[[Exchange], Action]) -> None:
        self._choose = choose
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard: list[Exchange] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._socket.close()
        for exchange in self.heard:
            with suppress(OSError):
                exchange.connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, rest = data.partition(b"\r\n\r\n")
            exchange = Exchange(connection, head.decode(), rest)
            self.heard.append(exchange)
            self._choose(exchange)(exchange)


@contextmanager
def stub(*actions: Action) -> Iterator[Stub]:
    """A server that does these things in turn; the last one for ever."""
    left = list(actions)
    with routed(lambda _: left.pop(0) if len(left) > 1 else left[0]) as server:
        yield server


@contextmanager
def routed(choose: Callable[[Exchange], Action]) -> Iterator[Stub]:
    server = Stub(choose)
    try:
        yield server
    finally:
        server.close()


# ── what it can do ───────────────────────────────────────────────────────────────────


def answer(status: int, content: bytes | str = b"", **headers: str) -> Action:
    """A usual answer. ``Retry_After="1"`` is the header Retry-After."""
    if isinstance(content, str):
        content = content.encode()
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    head = f"HTTP/1.1 {status} Stub\r\nContent-Length: {len(content)}\r\nConnection: close\r\n"

    def act(exchange: Exchange) -> None:
        exchange.body()
        exchange.send((head + "".join(lines) + "\r\n").encode() + content)

    return act


def refuse(code: str, status: int, detail: str = "Because.", **headers: str) -> Action:
    document = problem(code, status, "No", detail).model_dump_json()
    return answer(status, document, Content_Type="application/problem+json", **headers)


def drop(exchange: Exchange) -> None:
    """Cut off before the body was read."""
    exchange.reset()


def drop_after_all(exchange: Exchange) -> None:
    exchange.body()
    exchange.reset()


def cut_short(content: bytes, length: int, **headers: str) -> Action:
    """Announces ``length`` bytes and stops after ``content``."""
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n" + "".join(lines) + "\r\n"
    return lambda exchange: exchange.send(head.encode() + content)


def stream(*pieces: str, reset: bool = False) -> Action:
    def act(exchange: Exchange) -> None:
        exchange.send(EVENT_STREAM)
        for piece in pieces:
            data = piece.encode()
            exchange.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if reset:
            exchange.reset()
        else:
            exchange.send(b"0\r\n\r\n")

    return act


EVENT_STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def hand_on(url: str, *, lose_reply: bool = False, path: str | None = None) -> Action:
    def act(exchange: Exchange) -> None:
        names = ("Content-Type", "Idempotency-Key", "Last-Event-ID", "Accept")
        headers = {name: exchange.header(name) for name in names if exchange.header(name)}
        with httpx2.stream(
            exchange.method,
            url + (path or exchange.path),
            headers=headers,
            content=exchange.body(),
            timeout=20,
        ) as reply:
            if lose_reply:
                reply.read()
                exchange.reset()
                return
            kept = ("content-type", "content-disposition", "content-length", "retry-after")
            lines = [f"{key}: {reply.headers[key]}\r\n" for key in kept if key in reply.headers]
            head = f"HTTP/1.1 {reply.status_code} X\r\nConnection: close\r\n{''.join(lines)}\r\n"
            exchange.send(head.encode())
            for piece in reply.iter_raw():
                exchange.send(piece)

    return act


# ── what it says ─────────────────────────────────────────────────────────────────────


def told(status: Status = "queued", media_id: str | None = None) -> MediaStatus:
    media_id = media_id or new_media_id()
    path = f"/media/{media_id}"
    return MediaStatus(
        id=media_id,
        filename="photo.jpg",
        size=3,
        sha256="0" * 64,
        content_type="image/jpeg",
        status=status,
        profile="default",
        profile_digest=None,
        links=MediaLinks(
            self=path,
            original=f"{path}/original",
            watermarked=f"{path}/watermarked",
            events=f"{path}/events",
        ),
        width=1,
        height=1,
        attempts=Attempts(),
        worker=None,
        steps=(),
        next_attempt_at=None,
        error=None,
        result=None,
    )


def accepts(media: MediaStatus) -> Action:
    return answer(202, media.model_dump_json(), Content_Type="application/json")


def tells(media: MediaStatus) -> Action:
    return answer(200, media.model_dump_json(), Content_Type="application/json")
