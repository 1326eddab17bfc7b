"""A process that has imported everything and forks whatever is asked for (forking.py asks).

A service that starts anew works a second or two only to import. It is started by forking.py as
``python -m …fork_server DESCRIPTOR`` and ends with its socket. It must stay without threads: a
fork takes only one along.
"""

import atexit
import gc
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from fcntl import ioctl
from importlib import import_module
from itertools import chain
from termios import TIOCSCTTY
from typing import TypedDict

import media_processor
from media_processor.processes import die_with_parent

# Running these imports does something.
_NOT_IMPORTED = ("media_processor.__main__", "media_processor.central_server.migrations")
# What libraries import when they are first used.
_USED_LATER = (
    *("anyio._backends._asyncio", "encodings.idna", "sqlalchemy.dialects.sqlite.pysqlite"),
    *("uvicorn.lifespan.on", "uvicorn.protocols.websockets.auto", "rich.progress", "rich.table"),
)


class Order(TypedDict):
    """What is to run: as ``python -m MODULE ARGUMENT…``."""

    module: str
    arguments: list[str]
    directory: str
    environment: dict[str, str]


def main() -> None:
    # A child comes out of the loop and runs its order.
    channel = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("An import has started a thread, which no fork takes along.")
    gc.collect()
    gc.freeze()  # or each child's first collection copies every page
    while message := _receive(channel):
        order, streams = message
        pid = _fork_for(os.getppid())
        if pid is None:
            _become(order, streams)
            _run(order["module"])
        for stream in streams:
            os.close(stream)
        channel.send(str(pid).encode())


def _import_everything() -> None:
    found = pkgutil.walk_packages(media_processor.__path__, "media_processor.")
    names = (module.name for module in found)
    for name in chain((n for n in names if not n.startswith(_NOT_IMPORTED)), _USED_LATER):
        import_module(name)


def _receive(channel: socket.socket) -> tuple[Order, list[int]] | None:
    message, streams, _, _ = socket.recv_fds(channel, 1 << 20, 3)
    return (json.loads(message), streams) if message else None


def _fork_for(parent: int) -> int | None:
    """Returns the child's id, or None in the child itself."""
    reading, writing = os.pipe()
    middle = os.fork()
    if middle == 0:
        own = os.getpid()
        pid = os.fork()
        if pid:
            os.write(writing, str(pid).encode())
            os._exit(0)
        while os.getppid() == own:
            time.sleep(0.0005)
        die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:  # it has died before it could be noticed
            os._exit(1)
        return None
    os.close(writing)
    os.waitpid(middle, 0)  # from now on the child is an orphan
    pid = int(os.read(reading, 20))
    os.close(reading)
    return pid


def _become(order: Order, streams: list[int]) -> None:
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    if os.isatty(0):
        with suppress(OSError):  # somebody else's
            ioctl(0, TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["directory"])
    sys.path[0] = order["directory"]
    sys.argv = ["", *order["arguments"]]  # runpy fills in the first
    sys.stdin = _text(0, "r", "surrogateescape")
    sys.stdout = _text(1, "w", "surrogateescape")
    sys.stderr = _text(2, "w", "backslashreplace")


def _run(module: str) -> None:
    # As an interpreter does, but without taking every module apart at the end.
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        status = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined] # as multiprocessing ends its children
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)


def _text(descriptor: int, mode: str, errors: str) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, mode, closefd=False)
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    lines = descriptor == 2 or raw.isatty()
    return io.TextIOWrapper(buffer, "utf-8", errors, line_buffering=lines)


if __name__ == "__main__":
    main()
