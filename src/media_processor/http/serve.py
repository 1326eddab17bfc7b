"""Runs an application on Uvicorn until a signal stops it."""

import asyncio
import errno
import logging
import socket

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from media_processor.errors import SetupError


class CutOff(Exception):
    """A response can't be completed; the reason is already logged.

    The server closes the connection in the middle, so that no client takes a part for the whole.
    """


def _is_unexpected(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], CutOff))


def check_port(host: str, port: int, variable: str) -> None:
    """Raises SetupError, which says what to do, if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise SetupError(
                    f"BIND_HOST: {host} isn't an address of this machine ({error.strerror})."
                ) from None
            raise SetupError(
                f"Port {port} on {host} can't be used ({error.strerror}). Stop the process that "
                f"uses it, or choose another port, for example {variable}={port + 1}."
            ) from None


# Time for uploads under way; clients resend those that take longer.
_GRACE_SECONDS = 8


# Headers arrive in a few packets; without a limit a slow client could hold a connection forever.
_HEADER_SECONDS = 10.0
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _Protocol(HttpToolsProtocol):
    """Closes a connection whose headers don't arrive in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(_HEADER_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self.transport.write(_TOO_SLOW)
        self.transport.close()


class _Server(uvicorn.Server):
    """Sets ``stopping`` before it waits for requests, as event streams end only then."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)
        # Uvicorn would raise the signals again and exit with an error, though all went well.
        self._captured_signals.clear()


def serve(app: FastAPI, host: str, port: int, variable: str, stopping: asyncio.Event) -> None:
    """SIGINT and SIGTERM set ``stopping``."""
    check_port(host, port, variable)
    logging.getLogger("uvicorn.error").addFilter(_is_unexpected)
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
