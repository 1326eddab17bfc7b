"""Clients that send a byte now and then, many at once."""

import asyncio
import time

import httpx2

from tests import raw

HEAD = (
    "POST /media HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
    f"Content-Type: {raw.headers()['Content-Type']}\r\n\r\n"
)
_EVERY = 1.0


async def drip(
    port: int, path: str = "/media", *, in_headers: bool, limit: float = 40
) -> tuple[float, bytes]:
    """Returns after how many seconds it was cut off, and the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    started = time.monotonic()
    part = raw.part(b'; name="file"; filename="a.jpg"')[:-2]
    head = HEAD.replace("/media", path)
    writer.write(head.split("localhost")[0].encode() if in_headers else head.encode() + part)
    answer = asyncio.create_task(reader.read())
    try:
        while not answer.done() and time.monotonic() - started < limit:
            writer.write(b"x")
            await asyncio.wait((answer,), timeout=_EVERY)
    finally:
        writer.transport.abort()
    try:
        return time.monotonic() - started, await answer
    except ConnectionError:
        return time.monotonic() - started, b""


async def honest(url: str, picture: bytes, count: int) -> list[float]:
    took = []
    async with httpx2.AsyncClient(base_url=url, timeout=20) as client:
        for _ in range(count):
            started = time.monotonic()
            answer = await client.post("/media", files={"file": ("a.jpg", picture)})
            assert answer.status_code == 202, answer.text
            took.append(time.monotonic() - started)
    return took
