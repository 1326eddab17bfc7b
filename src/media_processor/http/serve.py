"""Runs an application on Uvicorn until a signal stops it."""

import asyncio
import errno
import logging
import resource
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


# Headers arrive in a few packets; without a limit a slow client could hold a connection forever,
# and one that sends headers without end all memory.
_HEADER_SECONDS = 10.0
_HEADER_BYTES = 64 * 1024
_LINGER_SECONDS = 2.0

# Most systems start a process with 1,024.
_DESCRIPTORS = 65_536
# What connections leave to files, pipes, Redis and the database.
_RESERVED_DESCRIPTORS = 256


class _Protocol(HttpToolsProtocol):
    """Closes a connection whose headers don't arrive in time, or are too large."""

    most_connections = 0
    _late: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._refuse("503 Service Unavailable", "Retry-After: 1\r\n")
            self.transport.close()  # at once: it has one of the descriptors in reserve
        else:
            self._expect_headers()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        super().data_received(data)
        if self._late is not None:
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_BYTES:
                self._refuse("431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > _HEADER_BYTES:
            self._refuse("431 Request Header Fields Too Large")
            raise ValueError("the headers are too large")  # so that the parser goes no further
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        if not self._is_refused:
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(_HEADER_SECONDS, self._refuse, "408 Request Timeout")

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: str, more: str = "") -> None:
        self._stop_waiting()
        self._is_refused = True
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\n{more}Content-Length: 0\r\n\r\n"
        self.transport.write(head.encode())
        self.transport.write_eof()
        # Closing with unread bytes resets the connection, and the reset can overtake the answer.
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)


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
    _Protocol.most_connections = _raise_descriptors() - _RESERVED_DESCRIPTORS
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


def _raise_descriptors() -> int:
    """Allow many files and connections, as far as the system does; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
