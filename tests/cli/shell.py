"""The command as a person runs it: in a pipe, or in a terminal."""

import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
import threading
from pathlib import Path
from types import TracebackType

from media_processor.harness.forking import Popen
from media_processor.harness.waiting import wait_until

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


# What one run remembers is for the next; nothing of it is for the developer's own home.
_STATE = tempfile.TemporaryDirectory()
_ENVIRONMENT = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": _STATE.name}


def run(
    *arguments: str, cwd: Path | str | None = None, stdin: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "media_processor", *arguments]
    pipe = subprocess.PIPE
    with Popen[str](
        command,
        env={**_ENVIRONMENT, "COLUMNS": "200", **env},
        cwd=cwd,
        stdin=subprocess.DEVNULL if stdin is None else pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=60)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def one_line(done: subprocess.CompletedProcess[str], words: str, status: int = 1) -> None:
    assert done.returncode == status, done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("media-processor: ")
    assert words in lines[0]


class Terminal:
    """The command in a terminal of its own, 120 columns wide, while the context lasts."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path | str | None = None,
        stdout: Path | str | None = None,
        **env: str,
    ) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 120))
        output = os.open(stdout, os.O_CREAT | os.O_WRONLY) if stdout else theirs
        self.process = Popen[bytes](
            [sys.executable, "-m", "media_processor", *arguments],
            env={**_ENVIRONMENT, "TERM": "xterm-256color", **env},
            cwd=cwd,
            stdin=theirs,
            stdout=output,
            stderr=theirs,
        )
        for descriptor in {output, theirs}:
            os.close(descriptor)
        self._seen = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(10)
        os.close(self._ours)

    @property
    def raw(self) -> str:
        return bytes(self._seen).decode(errors="replace")

    @property
    def text(self) -> str:
        return _ESCAPES.sub("", self.raw)

    @property
    def colours(self) -> list[str]:
        return re.findall(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38;[0-9;]+)m", self.raw)

    def says(self, text: str, seconds: float = 30) -> None:
        wait_until(lambda: text in self.text, f"terminal shows {text!r}: {self.text}", seconds)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self, seconds: float = 30) -> int:
        status = self.process.wait(seconds)
        self._reader.join(10)
        return status

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # Linux tells the end of a terminal as EIO
                return
            if not piece:
                return
            self._seen += piece
