"""Standard output and standard error, whose reader may close them at any time.

A command ends when its reader has gone, as SIGPIPE would end it. The signal itself stays ignored,
because it would also end a command whose server hangs up.
"""

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = 141
"""Exit status of a command that SIGPIPE ended, as a shell reports it: 128 and its number."""


class Outlet(io.FileIO):
    """Raises the first error of writing; what is written afterwards is dropped."""

    def __init__(self, descriptor: int, *, is_optional: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.is_optional = is_optional
        """Whether even the first error is ignored."""
        self.lost: OSError | None = None

    @property
    def ended_the_command(self) -> bool:
        return isinstance(self.lost, BrokenPipeError) and not self.is_optional

    def write(self, data: "ReadableBuffer", /) -> int:
        if self.lost is None:
            try:
                return super().write(data)
            except OSError as error:
                self.lost = error
                if not self.is_optional:
                    raise
        return memoryview(data).nbytes


def take() -> Outlet:
    """Write both streams through outlets; returns that of standard output."""
    output = _outlet(sys.stdout, is_optional=False)
    sys.stdout = _text(output, sys.stdout)
    sys.stderr = _text(_outlet(sys.stderr, is_optional=True), sys.stderr)
    return output


def outlive_reader() -> Outlet:
    """From now on the command goes on without a reader; returns the outlet of standard output."""
    output = cast(Outlet, cast(io.BufferedWriter, sys.stdout.buffer).raw)
    output.is_optional = True
    return output


def _outlet(stream: TextIO | None, *, is_optional: bool) -> Outlet:
    # None if the shell closed the stream.
    descriptor = stream.fileno() if stream else os.open(os.devnull, os.O_WRONLY)
    return Outlet(descriptor, is_optional=is_optional)


def _text(outlet: Outlet, stream: TextIO | None) -> io.TextIOWrapper:
    # A file's name may be bytes that are no text; it is shown as well as can be.
    is_prompt = isinstance(stream, io.TextIOWrapper) and (
        stream.line_buffering or stream.write_through
    )
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=is_prompt,
    )
