"""What is measured, one function each. All take a running system; none changes it."""

import asyncio
import contextlib
import io
import itertools
import os
import random
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from PIL import Image, ImageChops, ImageStat

from benchmarks.client import HOST, ArchiveLog, Connection, Upload, post_all
from benchmarks.pictures import Pictures
from benchmarks.problem import BenchmarkError
from benchmarks.systems import WORKERS, System

CONCURRENCY = 8
_HUGE_CONCURRENCY = 4
_SAMPLE_EVERY = 0.02
_MAX_PAUSE = 0.5
# Bounds, far above what even a slow machine needs; they only end a run that hangs.
_ONE_SECONDS = 30.0
_BATCH_SECONDS = 300.0
_WARM_UP_ROUNDS = 20
_SEED = 7


@dataclass(frozen=True)
class Sizes:
    """How much of everything one round does."""

    latency_small: int
    latency_large: int
    throughput_small: int
    throughput_large: int
    huge: int
    idle_seconds: float


FULL = Sizes(20, 10, 150, 40, 20, 10.0)
QUICK = Sizes(8, 4, 60, 16, 6, 5.0)


class Session:
    """A system with the client's view of it: fresh names, and the archive's log."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.port = system.ports.fast_server
        self.log = ArchiveLog(system.data / "worker_activity.log")
        self.sent: list[Upload] = []
        self._numbers = itertools.count(1)

    def uploads(self, pictures: list[bytes], count: int) -> list[Upload]:
        contents = itertools.islice(itertools.cycle(pictures), count)
        batch = [Upload(f"photo-{next(self._numbers):05}.jpg", content) for content in contents]
        self.sent += batch
        return batch


async def warm_up(session: Session, pictures: Pictures) -> None:
    for _ in range(_WARM_UP_ROUNDS):
        batch = session.uploads(pictures.small, 4)
        await post_all(session.port, batch, concurrency=4, seconds=_ONE_SECONDS)
        await session.log.wait_for(batch, seconds=_ONE_SECONDS)
        if set(session.log.stored.values()) >= set(WORKERS):
            return
    raise BenchmarkError("only one of the two workers works")


async def latencies(session: Session, pictures: list[bytes], count: int) -> list[float]:
    """Seconds from POST to stored, one picture at a time.

    A random pause between them, so that they meet every phase of a polling worker.
    """
    pauses = random.Random(_SEED)
    seconds = []
    for upload in session.uploads(pictures, count):
        await asyncio.sleep(pauses.uniform(0, _MAX_PAUSE))
        start = time.perf_counter()
        await post_all(session.port, [upload], concurrency=1, seconds=_ONE_SECONDS)
        await session.log.wait_for([upload], seconds=_ONE_SECONDS)
        seconds.append(time.perf_counter() - start)
    return seconds


async def throughput(session: Session, pictures: list[bytes], count: int) -> dict[str, float]:
    """Pictures/s from the first POST to the last stored, and CPU ms a picture by role."""
    batch = session.uploads(pictures, count)
    before, client_before = session.system.cpu_seconds(), time.process_time()
    machine_before, start = _machine_seconds(), time.perf_counter()
    await post_all(session.port, batch, concurrency=CONCURRENCY, seconds=_BATCH_SECONDS)
    await session.log.wait_for(batch, seconds=_BATCH_SECONDS)
    seconds = time.perf_counter() - start
    await asyncio.sleep(0.5)  # the workers' last bookkeeping
    after, client = session.system.cpu_seconds(), time.process_time() - client_before
    spent = {role: after[role] - before[role] for role in after}
    spent |= {"all": sum(spent.values()), "client": client}
    others = _machine_seconds() - machine_before - spent["all"] - client
    return {
        "rate": count / seconds,
        **{f"cpu {role}": cpu * 1000 / count for role, cpu in spent.items()},
        "others": max(0.0, others) / (time.perf_counter() - start) / (os.cpu_count() or 1),
    }


def _machine_seconds() -> float:
    # What anything else on this machine, or its host, has taken counts too.
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


async def idle_commands(system: System, seconds: float) -> float:
    """Redis commands/s of one worker with nothing to do (the fast server's, if any, included)."""
    await asyncio.sleep(1)
    with socket.create_connection((HOST, system.ports.valkey), timeout=5) as connection:
        before = _commands_processed(connection)
        start = time.perf_counter()
        await asyncio.sleep(seconds)
        after = _commands_processed(connection)
        passed = time.perf_counter() - start
    own = 1  # the first INFO
    return (after - before - own) / passed / len(WORKERS)


def _commands_processed(connection: socket.socket) -> int:
    connection.sendall(b"INFO stats\r\n")
    answer = b""
    while b"total_commands_processed:" not in answer or not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(65536)
    return int(answer.split(b"total_commands_processed:")[1].split(b"\r\n")[0])


async def fast_server_memory(
    session: Session, huge: bytes, small: bytes, count: int
) -> dict[str, float]:
    """Resident MiB of the fast server before, and its peak while it takes bodies of 50 MB."""
    system = session.system
    await post_all(session.port, session.uploads([small], 4), concurrency=4, seconds=_ONE_SECONDS)
    before = system.fast_server_bytes()
    peak = [before]
    async with _sampled(system, peak):
        await post_all(
            session.port,
            session.uploads([huge], count),
            concurrency=_HUGE_CONCURRENCY,
            seconds=_BATCH_SECONDS,
        )
    mib = 1024 * 1024
    return {"before": before / mib, "peak": peak[0] / mib, "grown": (peak[0] - before) / mib}


@asynccontextmanager
async def _sampled(system: System, peak: list[int]) -> AsyncIterator[None]:
    async def sample() -> None:
        while True:
            with contextlib.suppress(psutil.NoSuchProcess):
                peak[0] = max(peak[0], system.fast_server_bytes())
            await asyncio.sleep(_SAMPLE_EVERY)

    task = asyncio.create_task(sample())
    try:
        yield
    finally:
        task.cancel()


async def check_health(system: System) -> None:
    for port in (system.ports.fast_server, system.ports.central):
        async with asyncio.timeout(_ONE_SECONDS), Connection(port) as connection:
            if (status := await connection.get("/health")) != 200:
                raise BenchmarkError(f"GET /health was answered with {status}")


def check_stored(session: Session) -> None:
    """Every picture is in the archive and in the log exactly once, and it is watermarked.

    Raises:
        BenchmarkError: the figures would compare different work.
    """
    expected = {f"watermarked_{upload.name}" for upload in session.sent}
    found = _stored_files(session.system.data / "central_storage")
    names = [path.name for path in found]
    if set(names) != expected or len(names) != len(expected):
        raise BenchmarkError(f"{len(names)} files stored for {len(expected)} pictures")
    if session.log.lines != len(expected) or len(session.log.stored) != len(expected):
        raise BenchmarkError(f"{session.log.lines} log lines for {len(expected)} pictures")
    contents = {f"watermarked_{upload.name}": upload.content for upload in session.sent}
    for path in (found[0], found[-1]):
        _check_watermarked(path, contents[path.name])


def _stored_files(folder: Path) -> list[Path]:
    return sorted(
        Path(place) / name
        for place, _, names in os.walk(folder)
        for name in names
        if name.startswith("watermarked_")
    )


def _check_watermarked(path: Path, original: bytes) -> None:
    with Image.open(path) as watermarked, Image.open(io.BytesIO(original)) as plain:
        if watermarked.size != plain.size:
            raise BenchmarkError(f"{path.name} has another size than its original")
        width, height = plain.size
        box = (width * 8 // 10, 10, width - 10, height // 20)
        difference = ImageChops.difference(watermarked.convert("RGB").crop(box), plain.crop(box))
        if max(ImageStat.Stat(difference).mean) < 5:
            raise BenchmarkError(f"{path.name} carries no logo")
