"""Runs an application until it is told to stop."""

import asyncio
import logging
import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from media_processor.errors import SetupError


class CutOff(Exception):
    """What is being sent can't be sent to its end, and why was logged.

    The server closes the connection in the middle, so that nobody takes what came for all.
    """


def _is_news(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], CutOff))


def check_port(host: str, port: int, variable: str) -> None:
    """Raise SetupError, saying what to do, if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                f"Port {port} on {host} can't be used ({error.strerror}). Stop what runs there "
                f"or choose another one, for example {variable}={port + 1}."
            ) from None


# An upload under way may finish; one that takes longer is sent again by its client.
_GRACE_SECONDS = 8


# Headers come in one packet or a few; without a limit a client that drips them stays for ever.
_HEADER_SECONDS = 10.0
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _Protocol(HttpToolsProtocol):
    """Closes a connection whose request line and headers don't come in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._headers_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_came()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(_HEADER_SECONDS, self._close)

    def _headers_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self.transport.write(_TOO_SLOW)
        self.transport.close()


class _Server(uvicorn.Server):
    """Says that it stops before it waits for requests, as some only end when told."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)
        # It would raise them again now, to die of them: but it has done what it was told.
        self._captured_signals.clear()


def serve(app: FastAPI, host: str, port: int, variable: str, stopping: asyncio.Event) -> None:
    """Serve ``app`` until SIGINT or SIGTERM; ``stopping`` is set then."""
    check_port(host, port, variable)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=_Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _Server(config, stopping).run()
