"""What listening pages cost the fast server: open streams of `GET /events`, and nothing else."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks import measures
from benchmarks.client import HOST
from benchmarks.measures import Session
from benchmarks.problem import BenchmarkError

MANY = 500
UPLOADS = 100
_IDLE_SECONDS = 20.0
_OPEN_SECONDS = 30.0
_AT_A_TIME = 50
_MIB = 1 << 20


@dataclass(frozen=True)
class Cost:
    """The fast server alone: growth in MiB, share of a core when idle, CPU s for all uploads.

    ``others`` is the share of the machine that other processes used during the uploads.
    """

    mib: float
    idle: float
    uploads: float
    others: float


async def cost(
    session: Session, pictures: list[bytes], streams: int, say: Callable[[str], None]
) -> Cost:
    _allow_files(streams)
    say(f"{streams} streams: {_IDLE_SECONDS:.0f} s with nothing to do, {UPLOADS} uploads")
    mib = session.system.fast_server_bytes() / _MIB
    async with _listening(session.port, streams):
        before, start = _fast_server_seconds(session), time.perf_counter()
        await asyncio.sleep(_IDLE_SECONDS)
        idle = (_fast_server_seconds(session) - before) / (time.perf_counter() - start)
        grown = session.system.fast_server_bytes() / _MIB - mib
        spent = await measures.throughput(session, pictures, UPLOADS)
    return Cost(grown, idle, spent["cpu fast-server"] * UPLOADS / 1000, spent["others"])


def _fast_server_seconds(session: Session) -> float:
    return session.system.cpu_seconds()["fast-server"]


def _allow_files(streams: int) -> None:
    # Each stream is a file here; the fast server has its own limit.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < streams + 200:
        raise BenchmarkError(f"only {most} files may be open here (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@asynccontextmanager
async def _listening(port: int, streams: int) -> AsyncIterator[None]:
    slots = asyncio.Semaphore(_AT_A_TIME)
    listeners: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def listen() -> None:
        async with slots:
            reader, writer = await asyncio.open_connection(HOST, port)
            writers.append(writer)
            writer.write(f"GET /events HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            await reader.readuntil(b"event: hello")
        listeners.append(asyncio.create_task(_read_on(reader)))

    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            await asyncio.gather(*(listen() for _ in range(streams)))
        yield
    finally:
        for task in listeners:
            task.cancel()
        for writer in writers:
            writer.close()
    ended = [task for task in listeners if task.done() and not task.cancelled()]
    if ended:
        raise BenchmarkError(f"{len(ended)} of {streams} streams were ended by the fast server")


async def _read_on(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
