"""Keeps processes running: one that dies is started again, with backoff.

When this process ends, in whatever way, the others end too.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from media_processor.cancellation import cancel_and_wait
from media_processor.processes import die_with_parent

log = logging.getLogger(__name__)

# Workers let running jobs finish for SHUTDOWN_SECONDS (15 by default) and then some.
_STOP_SECONDS = 25.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 30.0
# A process that ran this long was healthy: its next death starts the backoff anew.
_HEALTHY_SECONDS = 30.0


@dataclass
class Service:
    """A process to keep running.

    ``stdin`` is what it gets to read. Its output goes to the file ``output``, or else to
    our standard error.
    """

    name: str
    arguments: list[str]
    environment: dict[str, str]
    stdin: bytes | None = None
    output: Path | None = None
    process: asyncio.subprocess.Process | None = field(default=None, init=False)


@asynccontextmanager
async def kept_running(services: list[Service]) -> AsyncIterator[None]:
    """At the end of the context the services get SIGTERM, then SIGKILL if they go on."""
    keepers = [asyncio.create_task(_keep_running(service)) for service in services]
    try:
        yield
    finally:
        await cancel_and_wait(*keepers)
        await asyncio.gather(*(_stop(service) for service in services))


async def _keep_running(service: Service) -> None:
    backoff = _FIRST_BACKOFF
    while True:
        started = time.monotonic()
        try:
            service.process = process = await _start(service)
        except OSError as error:
            ended = f"can't be started ({error.strerror})"
        else:
            await _relay(process.stdout)
            ended = f"died (exit status {await process.wait()})"
        if time.monotonic() - started > _HEALTHY_SECONDS:
            backoff = _FIRST_BACKOFF
        log.warning("💥 %s %s; restarting it in %g s", service.name, ended, backoff)
        await asyncio.sleep(backoff)
        backoff = min(backoff * 2, _LONGEST_BACKOFF)


async def _start(service: Service) -> asyncio.subprocess.Process:
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(service.output.open("ab")) if service.output else None
        process = await asyncio.create_subprocess_exec(
            *service.arguments,
            env=os.environ | service.environment,
            stdin=asyncio.subprocess.PIPE if service.stdin else asyncio.subprocess.DEVNULL,
            stdout=output or asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C reaches us alone, so that we stop them in order.
            start_new_session=True,
            preexec_fn=_end_with_us,
        )
    if service.stdin and process.stdin:
        process.stdin.write(service.stdin)
        process.stdin.close()
    return process


async def _relay(output: asyncio.StreamReader | None) -> None:
    # Through our own standard error: a live display may stand there.
    while output and (text := await output.read(65536)):
        sys.stderr.write(text.decode(errors="replace"))
        sys.stderr.flush()


async def _stop(service: Service) -> None:
    process = service.process
    if process is None or process.returncode is not None:
        return
    last_words = asyncio.create_task(_relay(process.stdout))
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        log.warning("⚠️ %s didn't stop within %g s; killing it", service.name, _STOP_SECONDS)
        process.kill()
        await process.wait()
    await last_words


def _end_with_us() -> None:
    die_with_parent(signal.SIGTERM)
