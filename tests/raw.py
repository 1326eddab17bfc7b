"""Bodies that no well-behaved client would send."""

import asyncio
import socket
from collections.abc import Iterable

import httpx2

BOUNDARY = "b0undary"


def part(disposition: bytes, content: bytes = b"", content_type: bytes | None = None) -> bytes:
    """One part of a multipart body; ``disposition`` follows ``form-data``."""
    kind = b"Content-Type: " + content_type + b"\r\n" if content_type else b""
    head = b"Content-Disposition: form-data" + disposition + b"\r\n" + kind
    return b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


def headers() -> dict[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def answer_to_much(url: str, **headers: str) -> httpx2.Response:
    """What a client reads that first sends 7 MB, by an event loop that a reset shuts at once."""

    async def post() -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=20) as client:
            return await client.post(url, files={"file": b"x" * 7_000_000}, headers=headers)

    return asyncio.run(post())


def post_chunked(port: int, path: str, pieces: Iterable[bytes]) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        head += f"Content-Type: {headers()['Content-Type']}\r\n\r\n"
        connection.sendall(head.encode())
        try:
            for piece in pieces:
                connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
                if b'"code":"' in answer:
                    break
        except ConnectionResetError:
            pass
        return answer
