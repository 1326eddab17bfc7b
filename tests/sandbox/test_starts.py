"""Picture processes that can't be started at first, and those that earlier pictures spoilt."""

import asyncio
import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from media_processor.errors import BrokenPicture, DecoderCrash, MediaProcessorError, OutOfMemory
from media_processor.limits import Limits
from media_processor.messages.sandbox import ThumbnailTask
from media_processor.sandbox import pool
from media_processor.sandbox.pool import Sandbox
from tests.images.pictures import encoded, photo

from .test_pool import sandbox, task

ORDER = ThumbnailTask(source="in", target="out", side=10, limits=Limits())
NO_MEMORY = """echo '{"failure": {"code": "out_of_memory", "detail": "too much"}}'"""


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_START_DELAYS", (0.0, 0.0, 0.0))


def box(folder: Path) -> Sandbox:
    return Sandbox(1, memory_bytes=2**31, timeout=20, folder=folder)


def pose_as_python(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """``$1`` is the number of the start, ``$own`` the process's folder; returns a file with a
    line for each start."""
    python = folder / "python"
    python.write_text(
        f"#!/bin/sh\ncd {folder}\nfor own; do :; done\necho $$ >>started\n"
        f'set -- $(wc -l <started) "$@"\n{script}\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    return folder / "started"


async def test_a_busy_machine_gets_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sys.executable
    script = f'[ $1 = 3 ] || exit 11\nshift\nexec {real} "$@"'
    started = pose_as_python(tmp_path, monkeypatch, script)
    async with sandbox(tmp_path) as one:
        await one.watermark(task(tmp_path))
    assert len(started.read_text().split()) == 3


async def test_what_keeps_a_process_from_starting_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo noise >&2; echo /usr/lib/python: no memory >&2; exit 11"
    started = pose_as_python(tmp_path, monkeypatch, script)
    with pytest.raises(MediaProcessorError, match="exit status 11: …/python: no memory") as caught:
        await box(tmp_path).make_thumbnail(ORDER)
    assert caught.value.code == "internal_error", "not the picture's fault"
    assert len(started.read_text().split()) == 4


async def test_a_process_that_the_system_refuses_is_told_with_its_errno(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "busy")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    with pytest.raises(MediaProcessorError, match=r"unavailable \(EAGAIN\)"):
        await box(tmp_path).make_thumbnail(ORDER)


@pytest.mark.parametrize("failure", [NO_MEMORY, "kill -SEGV $$"], ids=["memory", "crash"])
async def test_a_failure_after_other_pictures_is_tried_again_in_a_fresh_process(
    failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (9, 9)).save(tmp_path / "webp", "WEBP")
    answer = "cp webp $own/result; echo {}"
    script = f"echo ready; read order; {answer}; read order; [ $1 = 2 ] || {failure}; {answer}"
    started = pose_as_python(tmp_path, monkeypatch, script)
    one, order = box(tmp_path), replace(ORDER, target=str(tmp_path / "made"))
    await one.make_thumbnail(order)
    await one.make_thumbnail(order)
    await one.close()
    assert len(started.read_text().split()) == 2


@pytest.mark.parametrize(
    ("failure", "raised"), [(NO_MEMORY, OutOfMemory), ("kill -SEGV $$", DecoderCrash)]
)
async def test_a_failure_in_a_fresh_process_is_the_pictures(
    failure: str, raised: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = f"echo ready; read order; {failure}; read order"
    started = pose_as_python(tmp_path, monkeypatch, script)
    one = box(tmp_path)
    with pytest.raises(raised):
        await one.make_thumbnail(ORDER)
    await one.close()
    assert len(started.read_text().split()) == 1


async def test_a_process_that_holds_too_much_is_replaced(tmp_path: Path) -> None:
    async with sandbox(tmp_path, memory=Limits().memory + 2**20) as one:
        await one.watermark(task(tmp_path))
        process = one._all[0]._process
        await one.watermark(task(tmp_path))
        assert one._all[0]._process is not process


@pytest.mark.slow
async def test_a_process_that_worked_on_many_pictures_is_replaced(tmp_path: Path) -> None:
    missing = ThumbnailTask(source=str(tmp_path / "no"), target="", side=9, limits=Limits())
    async with sandbox(tmp_path) as one:
        process = one._all[0]._process
        for _ in range(1000):
            assert process is not None
            assert process.returncode is None
            with pytest.raises(MediaProcessorError):
                await one.make_thumbnail(missing)
        assert process is not None
        assert process.returncode is not None


async def test_a_process_without_memory_does_not_call_a_picture_damaged(tmp_path: Path) -> None:
    """Many libraries say so when they get no memory."""
    damaged = bytearray(encoded(Image.new("1", (9900, 9900)), "PNG"))
    damaged[-13] ^= 1  # the checksum of its pixels
    async with sandbox(tmp_path, memory=400 * 2**20) as one:
        with pytest.raises(OutOfMemory):
            await one.watermark(task(tmp_path, bytes(damaged)))
    async with sandbox(tmp_path) as one:
        with pytest.raises(BrokenPicture):
            await one.watermark(task(tmp_path, bytes(damaged)))


ARENAS = """
import ctypes, re, threading
from pathlib import Path
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)
def allocate():
    together.wait()
    libc.malloc(2**20)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_the_threads_of_a_decoder_leave_little_behind() -> None:
    def size(environment: dict[str, str]) -> int:
        code = (
            ARENAS
            + "print(re.search(r'VmSize:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            check=True,
            timeout=60,
        )
        return int(done.stdout) * 1024

    assert size({}) - size(pool._ENVIRONMENT) > 300 * 2**20


@pytest.mark.slow
async def test_a_large_avif_after_a_decoder_with_eight_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(ARENAS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    large = encoded(photo((342, 228)).resize((5472, 3648)), "AVIF", speed=10)
    async with sandbox(tmp_path, seconds=60) as one:
        made: Any = await one.watermark(task(tmp_path, large))
    assert (made.width, made.height) == (5472, 3648)
