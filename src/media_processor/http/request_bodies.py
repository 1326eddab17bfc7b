"""Ends a request whose body arrives too slowly or is too large for its path; sends an answer
before the body has ended.

Uvicorn lets a body arrive at any pace, so one slow client could hold a connection forever.

Closing a connection with unread bytes resets it, and the reset can overtake the answer: the
client then sees a broken connection instead of the error. So after an early answer the rest of
the body is read and dropped for a while (RFC 9112, 9.6).
"""

import asyncio
import math
import time
from collections.abc import Collection
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from media_processor.errors import MediaProcessorError, UploadTooLarge, UploadTooSlow
from media_processor.http.browsers import guarded
from media_processor.http.problems import error_response

# Enough for most clients to send the rest; longer would favour clients that never end.
# nginx's lingering_time is the same.
_LINGER_SECONDS = 30.0
# 10,000 bytes per 10 s of waiting: 1 kB/s is slower than any network that carries pictures.
_PACE_SECONDS = 10.0
_PACE_BYTES = 10_000
# A client that sends a film instead of a picture still gets its error.
_LINGER_TIMES_LIMIT = 8

# What a form of ids or a JSON document may have; pictures go to paths of their own.
_SMALL_BODY = 1024 * 1024


class _Pace:
    """Measures the pace of a body; the server's own processing time doesn't count."""

    def __init__(self) -> None:
        self.is_too_slow = False
        self._waited, self._bytes = 0.0, 0

    async def receive(self, receive: Receive) -> Message:
        started = time.monotonic()
        try:
            async with asyncio.timeout(_PACE_SECONDS - self._waited):
                message = await receive()
        except TimeoutError:
            self.is_too_slow = True
            raise UploadTooSlow(
                f"Upload too slow: less than {_PACE_BYTES:,} bytes arrived within "
                f"{_PACE_SECONDS:g} s. Send it again over a faster connection."
            ) from None
        self._waited += time.monotonic() - started
        self._bytes += len(message.get("body", b""))
        if self._bytes >= _PACE_BYTES:
            self._waited, self._bytes = 0.0, 0
        return message


class RequestBodies:
    """ASGI middleware: clients can read an answer sent before the end of their request."""

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, takes_pictures: Collection[str]
    ) -> None:
        """On the paths ``takes_pictures`` the route itself limits the body."""
        self._app = app
        self._linger_bytes = _LINGER_TIMES_LIMIT * max_body_bytes
        self._takes_pictures = takes_pictures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        is_arriving = (
            b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        )
        expects_continue = b"expect" in headers
        pace = _Pace()
        refused: MediaProcessorError | None = None
        room = math.inf if scope.get("path") in self._takes_pictures else _SMALL_BODY

        async def receive_and_watch() -> Message:
            nonlocal is_arriving, expects_continue, room, refused
            try:
                message = await (pace.receive(receive) if is_arriving else receive())
            except UploadTooSlow as error:
                refused = error
                raise
            is_arriving, expects_continue = message.get("more_body", False), False
            room -= len(message.get("body", b""))
            if room < 0:
                room = math.inf  # the rest is only dropped
                refused = UploadTooLarge(f"The body is larger than {_SMALL_BODY:,} bytes.")
                raise refused
            return message

        async def read_the_rest() -> None:
            nonlocal room
            left, room = self._linger_bytes, math.inf  # it is answered
            with suppress(TimeoutError, UploadTooSlow):
                async with asyncio.timeout(_LINGER_SECONDS):
                    while is_arriving and left > 0:
                        left -= len((await receive_and_watch()).get("body", b""))

        async def send_and_linger(message: Message) -> None:
            if is_arriving and message["type"] == "http.response.start":
                # What follows on this connection is the rest of this request, not another one.
                close = (b"connection", b"close")
                message = {**message, "headers": [*message.get("headers", ()), close]}
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            # A client that was refused at Expect sends nothing; a slow one isn't waited for.
            if is_arriving and last and not expects_continue and not pace.is_too_slow:
                await send({**message, "more_body": True})
                await read_the_rest()
                message = {"type": "http.response.body"}
            await send(message)

        async def send_own(message: Message) -> None:
            # FastAPI takes any error while it reads a form for a malformed one.
            if refused is None:
                await send_and_linger(message)
            elif message["type"] == "http.response.start":
                await error_response(refused)(scope, receive, guarded(send_and_linger))

        await self._app(scope, receive_and_watch, send_own)
