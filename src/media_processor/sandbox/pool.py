"""Picture work in child processes that can be killed, as threads and C code can't.

One dead child costs its own picture only; a fresh one takes its place.
"""

import asyncio
import contextlib
import logging
import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from media_processor.crash_points import crash_point
from media_processor.errors import DecoderCrash, MediaProcessorError, OutOfMemory, TooSlow
from media_processor.messages import json_lines
from media_processor.messages.results import WatermarkResult
from media_processor.messages.sandbox import (
    SANDBOX_READY,
    DifferenceTask,
    SandboxReply,
    SandboxTask,
    TaskLine,
    ThumbnailTask,
    WatermarkTask,
)
from media_processor.sandbox.confinement import GUARDS
from media_processor.sandbox.failures import describe, ending, error_of, error_of_end
from media_processor.sandbox.own_folder import OwnFolder, sweep_folders
from media_processor.storage.disk_errors import disk_errors
from media_processor.terminal import printable

log = logging.getLogger(__name__)

# Python and Pillow are up within a second, on a machine that isn't overwhelmed.
_START_SECONDS = 60.0

# A busy machine may have no memory or no process left for a moment (fork(2): EAGAIN, ENOMEM).
_START_DELAYS = (0.25, 1.0, 4.0)

# One that ends leaves its exit status; one that goes on is killed after this. In seconds.
_END_SECONDS = 5.0

_LONGEST_LINE = 300

# glibc gives each of a decoder's threads an arena of 64 MiB of address space and keeps them all,
# so that the next picture runs into the limit. Read when a process starts (mallopt(3)).
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}

# What Python, its libraries and fontconfig look for. Passwords are none of a picture's business.
_INHERITED = r"PATH|HOME|LANG|LC_.*|TZ|TMPDIR|PYTHON.*|LD_.*|XDG_.*|FONTCONFIG_.*|VIRTUAL_ENV|COV.*"


class Sandbox:
    """A fixed number of picture processes, each working on one picture at a time."""

    def __init__(self, processes: int, *, memory_bytes: int, timeout: float, folder: Path) -> None:
        """``folder`` is on the file system that results go to. Each process gets a folder of its
        own in it, the only place that it can write to."""
        self._timeout = timeout
        # CPU time is the kernel's guard behind our own clock, so it may be coarser.
        limits = (str(memory_bytes), str(math.ceil(timeout)))
        self._folder = folder
        self._all = [_PictureProcess(limits, folder) for _ in range(processes)]
        self._free: asyncio.LifoQueue[_PictureProcess] = asyncio.LifoQueue()
        for process in self._all:
            self._free.put_nowait(process)

    async def start(self) -> None:
        await asyncio.to_thread(sweep_folders, self._folder)
        await asyncio.gather(*(process.start() for process in self._all))

    @property
    def missing_guards(self) -> tuple[str, ...]:
        started = [process.guards for process in self._all if process.guards is not None]
        return tuple(guard for guard in GUARDS if any(guard not in each for each in started))

    async def close(self) -> None:
        await asyncio.gather(*(process.kill() for process in self._all))

    async def watermark(self, task: WatermarkTask) -> WatermarkResult:
        """Watermark one picture; the other methods raise the same.

        Raises:
            PictureError: the picture is at fault.
            SandboxError: its process crashed, or took too much memory or time.
            LogoUnavailable, StorageFull, MediaProcessorError: not the picture's fault.
        """
        reply = await self._run(task)
        if reply.watermarked is None:
            raise DecoderCrash("The picture process returned an empty reply.")
        return reply.watermarked

    async def make_thumbnail(self, task: ThumbnailTask) -> None:
        await self._run(task)

    async def difference(self, task: DifferenceTask) -> None:
        await self._run(task)

    async def _run(self, task: SandboxTask) -> SandboxReply:
        process = await self._free.get()
        try:
            return await process.ask(task, seconds=self._timeout)
        finally:
            self._free.put_nowait(process)


class _PictureProcess:
    def __init__(self, arguments: tuple[str, ...], folder: Path) -> None:
        self._arguments, self._parent_folder = arguments, folder
        self._folder: OwnFolder | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._complaints: asyncio.Task[str] | None = None
        self._answers = 0
        self.guards: tuple[str, ...] | None = None

    async def start(self) -> asyncio.subprocess.Process:
        if self._folder and not self._folder.exists():
            await self.kill()  # it could write nowhere
        if self._process is None or self._process.returncode is not None:
            await self._launch()
        if self._process is None:
            raise MediaProcessorError("A picture process can't be started.")
        return self._process

    async def _launch(self) -> None:
        for delay in (*_START_DELAYS, None):
            reason = await self._try_to_launch()
            if not reason:
                return
            if delay is None:
                raise MediaProcessorError(f"A picture process can't be started: {reason}.")
            log.warning("⏳ a picture process didn't start (%s), next try in %g s", reason, delay)
            await asyncio.sleep(delay)

    async def _try_to_launch(self) -> str:
        """Why it didn't start, or an empty string."""
        try:
            if self._folder is None:
                self._folder = await asyncio.to_thread(OwnFolder, self._parent_folder)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "media_processor.sandbox.picture_process",
                *self._arguments,
                str(self._folder.path),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**_harmless(os.environ), **_ENVIRONMENT},
                start_new_session=True,  # without the operator's terminal
            )
        except (OSError, RuntimeError) as error:  # no memory, no process, or no thread for it
            return describe(error)
        self._process, self._answers = process, 0
        self._complaints = asyncio.create_task(_pass_on(process.stderr))
        return await self._wait_ready(process)

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> str:
        line = b""
        try:
            async with asyncio.timeout(_START_SECONDS):
                line = await process.stdout.readline() if process.stdout else b""
        except asyncio.CancelledError:
            await self.kill()  # its first line would be taken for an answer
            raise
        except TimeoutError:
            await self.kill()
            raise MediaProcessorError(
                f"A picture process can't be started: it wasn't ready within {_START_SECONDS:g} s."
            ) from None
        if line.startswith(SANDBOX_READY) and line.endswith(b"\n"):
            self.guards = tuple(line.decode().split()[1:])
            return ""
        await self._end(process)
        last = await self._complaints if self._complaints else ""
        return f"{ending(process.returncode)}: {last}" if last else ending(process.returncode)

    async def ask(self, task: SandboxTask, *, seconds: float) -> SandboxReply:
        """A fresh process has the last word on whether a picture fails for memory or by a crash:
        another may be at its limit because of earlier pictures."""
        await self.start()
        is_fresh = not self._answers
        try:
            return await self._ask(task, seconds)
        except (DecoderCrash, OutOfMemory) as error:
            if is_fresh:
                raise
            log.info("♻️ %s It is tried again in a fresh picture process.", error.detail)
        await self.kill()
        return await self._ask(task, seconds)

    async def _ask(self, task: SandboxTask, seconds: float) -> SandboxReply:
        await self.start()
        folder = self._folder
        if folder is None:
            raise MediaProcessorError("A picture process has no folder.")
        reply = await self._exchange(replace(task, target=str(folder.result)), seconds)
        self._answers += 1
        try:
            await asyncio.to_thread(_collect, folder, task, reply)
        except asyncio.CancelledError:
            await self.kill()  # the thread goes on, and must not meet the next picture's result
            raise
        if reply.is_spent:
            await self.kill()
        if reply.failure:
            raise error_of(reply.failure)
        return reply

    async def _exchange(self, task: SandboxTask, seconds: float) -> SandboxReply:
        process = await self.start()
        if process.stdin is None or process.stdout is None:
            raise DecoderCrash("The picture process has no pipes.")
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(json_lines.encode(TaskLine(task=task)))
                crash_point("watermarking")
                line = await process.stdout.readline()
            if line.endswith(b"\n"):
                return json_lines.decode(SandboxReply, line)
        except TimeoutError:
            await self.kill()
            raise TooSlow(f"The picture took longer than {seconds:g} s.") from None
        except (BrokenPipeError, ConnectionResetError):
            pass
        except ValueError:
            await self.kill()  # the rest of its answer would be taken for the next picture's
            raise DecoderCrash("The picture process returned an invalid reply.") from None
        except asyncio.CancelledError:
            await self.kill()  # its answer would be taken for the next picture's
            raise
        raise error_of_end(await self._end(process))

    async def _end(self, process: asyncio.subprocess.Process) -> int | None:
        """Its exit status; None if it had to be killed."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
            return process.returncode
        finally:
            await self.kill()

    async def kill(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._complaints:
            await self._complaints
        if self._folder:
            await asyncio.to_thread(self._folder.remove)
            self._folder = None


async def _pass_on(complaints: asyncio.StreamReader | None) -> str:
    """Copy what a process writes to its stderr to ours; returns its last line."""
    last = b""
    while complaints and (piece := await complaints.read(1 << 16)):
        with contextlib.suppress(OSError):
            os.write(2, piece)
        last = (last + piece)[-_LONGEST_LINE:]
    line = printable(last.decode(errors="replace").rstrip().rpartition("\n")[2])
    return re.sub(r"/\S*/", "…/", line)  # where things are is nobody's business


def _harmless(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if re.fullmatch(_INHERITED, name)}


def _collect(folder: OwnFolder, task: SandboxTask, reply: SandboxReply) -> None:
    try:
        with disk_errors():
            if not reply.failure:
                folder.hand_over(Path(task.target), _promised(task, reply))
    except OSError as error:
        raise MediaProcessorError(f"The picture can't be written: {error.strerror}.") from error
    finally:
        folder.clear()


def _promised(task: SandboxTask, reply: SandboxReply) -> str | None:
    """The content type that the result must have; None for one that isn't a picture."""
    match task:
        case WatermarkTask():
            return reply.watermarked.content_type if reply.watermarked else ""
        case ThumbnailTask():
            return "image/webp"
        case DifferenceTask():
            return None
