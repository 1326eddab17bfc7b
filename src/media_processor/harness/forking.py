"""Processes forked from one that has imported everything: a tenth of the work of a start."""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, AnyStr

from media_processor.harness.fork_server import Order
from media_processor.processes import adopt_orphans

# What only a new process reads: the interpreter, the C library, or an import.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "FORCE_COLOR", "PY_COLORS", "TERMINAL_WIDTH")

_START_SECONDS = 120.0
_MODULE = [sys.executable, "-m"]


class Popen(subprocess.Popen[AnyStr]):
    """Forks ``python -m module argument…`` instead of starting it; other commands start as usual.

    The process is a child of this one as any other, the leader of a session of its own, and is
    killed if this process dies.
    """

    def _execute_child(
        self,
        args: Sequence[str],
        executable: str | None,
        preexec_fn: Any,
        close_fds: bool,
        pass_fds: Any,
        cwd: str | None,
        env: Mapping[str, str] | None,
        startupinfo: Any,
        creationflags: int,
        shell: bool,
        p2cread: int,
        p2cwrite: int,
        c2pread: int,
        c2pwrite: int,
        errread: int,
        errwrite: int,
        *more: Any,
    ) -> None:
        # What subprocess calls to start the child, once its pipes are made.
        pipes: tuple[int, ...] = (p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)
        environment = dict(os.environ if env is None else env)
        if shell or not can_fork(args, environment):
            before = (args, executable, preexec_fn, close_fds, pass_fds, cwd, env)
            between = (startupinfo, creationflags, shell)
            super()._execute_child(*before, *between, *pipes, *more)  # type: ignore[misc]
            return
        order = Order(
            module=args[2],
            arguments=[str(argument) for argument in args[3:]],
            directory=os.path.abspath(cwd or "."),  # noqa: PTH100 - as it is, links and all
            environment=environment,
        )
        streams = [p2cread, c2pwrite, errwrite]
        ours = [number if stream == -1 else stream for number, stream in enumerate(streams)]
        self.pid = _server.fork(order, ours)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def can_fork(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    # Whether a forked process would do the same as a new one.
    return (
        sys.platform == "linux"
        and list(arguments[:2]) == _MODULE
        and not any(name.startswith(_READ_AT_START) for name in environment)
    )


class _Server:
    """This process's fork server, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None

    def fork(self, order: Order, streams: list[int]) -> int:
        with self._lock:
            channel = self._channel = self._channel or _start()
            adopt_orphans(True)
            try:
                socket.send_fds(channel, [json.dumps(order).encode()], streams)
                reply = channel.recv(20)
            finally:
                adopt_orphans(False)
        if not reply:
            raise RuntimeError("The fork server has died; its output is above.")
        return int(reply)


def _start() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_START_SECONDS)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with theirs:
        server = subprocess.Popen(
            [*_MODULE, "media_processor.harness.fork_server", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not for it
        )
    atexit.register(_end, ours, server)
    return ours


def _end(channel: socket.socket, server: "subprocess.Popen[bytes]") -> None:
    channel.close()
    server.wait()


_server = _Server()
