"""An answer that is given while the request's body is still coming must arrive.

A server that closes a connection with unread bytes resets it, and the reset overtakes the
answer: the client learns that something broke, not what. So the answer goes out at once,
and then the rest of the body is read and thrown away for a while (RFC 9112, 9.6).
"""

import asyncio
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Enough for most clients to send what is left; a longer wait would hold connections for
# those who send for ever. nginx's lingering_time is the same.
_LINGER_SECONDS = 30.0
# Who sends a film as a picture still learns why it isn't taken.
_LINGER_TIMES_LIMIT = 8


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

        async def receive_and_watch() -> Message:
            nonlocal coming, asks_first
            message = await receive()
            coming, asks_first = message.get("more_body", False), False
            return message

        async def read_the_rest() -> None:
            left = self._linger_bytes
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_SECONDS):
                    while coming and left > 0:
                        left -= len((await receive_and_watch()).get("body", b""))

        async def send_and_linger(message: Message) -> None:
            if coming and message["type"] == "http.response.start":
                # What follows on this connection is no request, but the rest of this one.
                close = (b"connection", b"close")
                message = {**message, "headers": [*message.get("headers", ()), close]}
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if coming and last and not asks_first:  # who asks and is refused sends nothing
                await send({**message, "more_body": True})
                await read_the_rest()
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, receive_and_watch, send_and_linger)
