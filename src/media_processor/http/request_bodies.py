"""How long a request's body may take, and that an answer given before its end arrives.

A body that drips holds a connection for ever, and uvicorn lets it. So it must come at some
pace while it is waited for.

A server that closes a connection with unread bytes resets it, and the reset overtakes the
answer: the client learns that something broke, not what. So the answer goes out at once,
and then the rest of the body is read and thrown away for a while (RFC 9112, 9.6).
"""

import asyncio
import time
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from media_processor.errors import UploadTooSlow

# Enough for most clients to send what is left; a longer wait would hold connections for
# those who send for ever. nginx's lingering_time is the same.
_LINGER_SECONDS = 30.0
# A body must bring so many bytes in so many seconds of waiting for it: 1 kB/s is slower than
# any network that a picture can be sent over.
_PACE_SECONDS = 10.0
_PACE_BYTES = 10_000
# Who sends a film as a picture still learns why it isn't taken.
_LINGER_TIMES_LIMIT = 8


class _Pace:
    """Measures a body while it is waited for; what the server itself takes doesn't count."""

    def __init__(self) -> None:
        self.is_lost = False
        self._waited, self._bytes = 0.0, 0

    async def receive(self, receive: Receive) -> Message:
        """The next message; raises UploadTooSlow."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(_PACE_SECONDS - self._waited):
                message = await receive()
        except TimeoutError:
            self.is_lost = True
            raise UploadTooSlow(
                f"Of the body came less than {_PACE_BYTES:,} bytes in {_PACE_SECONDS:g} s. "
                "Send it again over a better connection."
            ) from None
        self._waited += time.monotonic() - started
        self._bytes += len(message.get("body", b""))
        if self._bytes >= _PACE_BYTES:
            self._waited, self._bytes = 0.0, 0
        return message


class EarlyAnswers:
    """ASGI middleware: whoever is answered early can read the answer, and must reconnect."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._linger_bytes = _LINGER_TIMES_LIMIT * max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = dict(scope.get("headers", ()))
        coming = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        asks_first = b"expect" in headers
        pace = _Pace()

        async def receive_and_watch() -> Message:
            nonlocal coming, asks_first
            message = await (pace.receive(receive) if coming else receive())
            coming, asks_first = message.get("more_body", False), False
            return message

        async def read_the_rest() -> None:
            left = self._linger_bytes
            with suppress(TimeoutError, UploadTooSlow):
                async with asyncio.timeout(_LINGER_SECONDS):
                    while coming and left > 0:
                        left -= len((await receive_and_watch()).get("body", b""))

        async def send_and_linger(message: Message) -> None:
            if coming and message["type"] == "http.response.start":
                # What follows on this connection is no request, but the rest of this one.
                close = (b"connection", b"close")
                message = {**message, "headers": [*message.get("headers", ()), close]}
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            # Who asks and is refused sends nothing; who drips isn't waited for.
            if coming and last and not asks_first and not pace.is_lost:
                await send({**message, "more_body": True})
                await read_the_rest()
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, receive_and_watch, send_and_linger)
