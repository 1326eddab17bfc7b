"""A real PostgreSQL on a free port of this machine, to be stopped and started again."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import psycopg

from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until

# Debian keeps the server's programs out of PATH, a folder for each version.
_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_PATH = os.pathsep.join([*map(str, reversed(_FOLDERS)), os.environ.get("PATH", "")])


def program(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


class Postgres:
    """One server with as many empty databases as are asked for."""

    def __init__(self) -> None:
        self.port = free_port()
        self._user = _unprivileged()
        self._numbers = count(1)
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if self._user:
            shutil.chown(self._folder, self._user)
        self._data = self._folder / "data"
        # A locale whose order isn't the one of the bytes, as on most real servers.
        locale = ("--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8")
        made = self._run("initdb", "-D", self._data, "-U", "media", "--auth=trust", "-N", *locale)
        assert made.wait() == 0, "initdb failed"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        if self._process:
            return
        options = (f"-p{self.port}", "-c", "listen_addresses=127.0.0.1", "-k", self._folder)
        self._process = self._run("postgres", "-D", self._data, *options)
        wait_until(self._answers, "PostgreSQL answers")

    def stop(self, sign: int = signal.SIGINT) -> None:
        """Every connection is cut; with SIGQUIT as by a crash."""
        if self._process:
            self._process.send_signal(sign)
            self._process.wait()
            self._process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        assert self._process
        server = psutil.Process(self._process.pid)
        stopped = [server, *server.children(recursive=True)]
        for process in stopped:
            process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                process.resume()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        name = f"media{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self._address(name)

    def _address(self, database: str) -> str:
        return f"postgresql://media@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, name: str, *arguments: object) -> "subprocess.Popen[bytes]":
        path = program(name)
        assert path, f"{name} is not installed"
        return subprocess.Popen(
            [path, *map(str, arguments)],
            cwd=self._folder,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _unprivileged() -> str | None:
    # PostgreSQL refuses to run as root.
    if os.getuid() != 0:
        return None
    return next(name for name in ("postgres", "nobody") if _exists(name))


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
