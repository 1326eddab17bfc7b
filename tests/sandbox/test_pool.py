"""Picture processes: a bad picture costs its own, never the worker."""

import asyncio
import os
import shutil
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from media_processor.errors import (
    BrokenPicture,
    DecoderCrash,
    LogoUnavailable,
    OutOfMemory,
    TooSlow,
)
from media_processor.harness.waiting import wait_until
from media_processor.images.logo import bundled_logo_path
from media_processor.images.profile import DEFAULT, Profile, as_message
from media_processor.limits import Limits
from media_processor.messages.fast_server import Difference
from media_processor.messages.sandbox import DifferenceTask, WatermarkTask
from media_processor.sandbox import pool
from media_processor.sandbox.pool import Sandbox
from tests.images.pictures import encoded, opened, photo

_MEMORY = Limits().memory + 256 * 1024**2  # as settings/pipeline.py has it


@asynccontextmanager
async def sandbox(
    folder: Path, processes: int = 1, memory: int = _MEMORY, seconds: float = 20
) -> AsyncIterator[Sandbox]:
    box = Sandbox(processes, memory_bytes=memory, timeout=seconds, folder=folder)
    try:
        await box.start()
        yield box
    finally:
        await box.close()
    assert not _children()


def _children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if any("picture_process" in part for part in child.cmdline())
    ]


def task(folder: Path, content: bytes | None = None, **changes: Any) -> WatermarkTask:
    source = folder / "in"
    source.write_bytes(content if content is not None else encoded(photo((80, 60)), "JPEG"))
    return replace(
        WatermarkTask(
            source=str(source),
            target=str(folder / "out"),
            logos=(str(bundled_logo_path()),),
            profile=as_message(DEFAULT),
            font=None,
            tokens={},
            limits=Limits(),
        ),
        **changes,
    )


async def test_a_picture_is_watermarked(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        made = await box.watermark(task(tmp_path))
    assert made.size == (tmp_path / "out").stat().st_size
    assert opened(tmp_path / "out").size == (made.width, made.height)


async def test_an_svg_is_drawn_under_the_guards(tmp_path: Path) -> None:
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">'
    (tmp_path / "logo.svg").write_text(
        f'{head}<rect width="40" height="20" fill="#d01020"/><text y="9">Text</text></svg>'
    )
    (tmp_path / "empty.svg").write_text(f"{head}</svg>")
    grey = encoded(Image.new("RGB", (80, 60), (90, 90, 90)), "PNG")
    async with sandbox(tmp_path) as box:
        await box.watermark(task(tmp_path, grey, logos=(str(tmp_path / "logo.svg"),)))
        assert opened(tmp_path / "out").convert("RGB").getpixel((68, 16)) == (208, 16, 32)
        with pytest.raises(LogoUnavailable, match="draws nothing"):
            await box.watermark(task(tmp_path, grey, logos=(str(tmp_path / "empty.svg"),)))
        assert len(_children()) == 1


async def test_errors_come_back_as_what_they_were(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        with pytest.raises(BrokenPicture):
            await box.watermark(task(tmp_path, b"\xff\xd8\xff\xe0"))
        text = as_message(Profile("text", text="hello"))
        with pytest.raises(LogoUnavailable, match="font"):
            await box.watermark(task(tmp_path, profile=text, font=str(tmp_path / "nowhere.ttf")))
        await box.watermark(task(tmp_path))
        assert len(_children()) == 1


async def test_a_killed_process_is_replaced(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        stopped = _children()[0]
        stopped.suspend()
        watermarking = asyncio.create_task(box.watermark(task(tmp_path)))
        await asyncio.sleep(0)
        stopped.send_signal(signal.SIGABRT)
        stopped.resume()
        with pytest.raises(DecoderCrash):
            await watermarking
        await box.watermark(task(tmp_path))
        assert _children()[0].pid != stopped.pid


async def test_a_process_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    async with sandbox(tmp_path, seconds=0.5) as box:
        _children()[0].suspend()
        with pytest.raises(TooSlow):
            await box.watermark(task(tmp_path))
    assert not (tmp_path / "out").exists()


async def test_a_picture_that_needs_too_much_memory_fails(tmp_path: Path) -> None:
    huge = encoded(photo((64, 64)).convert("P").resize((9900, 9900)), "PNG")
    async with sandbox(tmp_path, memory=400 * 1024 * 1024) as box:
        with pytest.raises(OutOfMemory):
            await box.watermark(task(tmp_path, huge))
        await box.watermark(task(tmp_path))


async def test_a_cancelled_task_does_not_answer_for_the_next(tmp_path: Path) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    large.mkdir()
    small.mkdir()
    async with sandbox(tmp_path) as box:
        _children()[0].suspend()
        watermarking = asyncio.create_task(
            box.watermark(task(large, encoded(photo((50, 40)), "JPEG")))
        )
        await asyncio.sleep(0)
        watermarking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watermarking
        made = await box.watermark(task(small))
        assert (made.width, made.height) == (80, 60)


async def test_a_task_that_is_cancelled_at_its_end_meets_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collecting, go_on = threading.Event(), threading.Event()

    def collect(*_: object) -> None:
        collecting.set()
        go_on.wait(20)

    monkeypatch.setattr(pool, "_collect", collect)
    async with sandbox(tmp_path) as box:
        watermarking = asyncio.create_task(box.watermark(task(tmp_path)))
        await asyncio.to_thread(collecting.wait, 20)
        watermarking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watermarking
        left = _children()
        go_on.set()
        assert not left


async def test_a_difference_of_many_stretches_is_reported_whole(tmp_path: Path) -> None:
    """More than the 64 KiB that a line from a process may have."""
    plain = Image.new("1", (1600, 1200))
    dots = plain.copy()
    for row in range(0, dots.height, 8):
        for column in range(0, dots.width, 16):
            dots.putpixel((column, row), 1)
    before, after, target = (tmp_path / name for name in ("before", "after", "told"))
    before.write_bytes(encoded(plain, "PNG"))
    after.write_bytes(encoded(dots, "PNG"))
    order = DifferenceTask(
        before=str(before), after=str(after), target=str(target), limits=Limits()
    )
    async with sandbox(tmp_path) as box:
        await box.difference(order)
        await box.watermark(task(tmp_path))

    assert target.stat().st_size > 2**16
    assert Difference.model_validate_json(target.read_bytes()).touched == 150 * 100


async def test_an_answer_that_can_not_be_read_ends_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\necho $$ >>started\necho ready\nread order\nseq -s, 20000\nread more\n"
    )
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(python))
    box = Sandbox(1, memory_bytes=_MEMORY, timeout=20, folder=tmp_path)
    for times in (1, 2):
        with pytest.raises(DecoderCrash, match="an invalid reply"):
            await box.watermark(task(tmp_path))
        assert len((tmp_path / "started").read_text().split()) == times
    await box.close()


async def test_one_that_closes_its_output_and_goes_on_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho ready\nread order\nexec >&-\nread more\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setattr(pool, "_END_SECONDS", 0.1)
    box = Sandbox(1, memory_bytes=_MEMORY, timeout=20, folder=tmp_path)
    with pytest.raises(DecoderCrash, match="stopped answering"):
        async with asyncio.timeout(5):
            await box.watermark(task(tmp_path))
    await box.close()


async def test_a_start_that_is_cancelled_does_not_answer_for_the_next(tmp_path: Path) -> None:
    box = Sandbox(1, memory_bytes=_MEMORY, timeout=20, folder=tmp_path)
    watermarking = asyncio.create_task(box.watermark(task(tmp_path)))
    await asyncio.to_thread(wait_until, lambda: box._all[0]._process, "it is being started")
    watermarking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watermarking

    await box.watermark(task(tmp_path))
    await box.close()


async def test_a_folder_that_was_removed_and_made_again_can_be_written_to(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    async with sandbox(mine) as box:
        await box.watermark(task(tmp_path, target=str(mine / "out")))
        shutil.rmtree(mine)
        mine.mkdir()
        await box.watermark(task(tmp_path, target=str(mine / "out")))
    assert (mine / "out").exists()


async def test_signals_to_the_group_do_not_cut_a_picture_short(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        await box.watermark(task(tmp_path))  # it is up now
        child = _children()[0]
        for sign in (signal.SIGTERM, signal.SIGINT):
            os.kill(child.pid, sign)
        await box.watermark(task(tmp_path))
        assert _children() == [child]


async def test_an_unwritable_target_is_not_the_pictures_fault(tmp_path: Path) -> None:
    async with sandbox(tmp_path) as box:
        with pytest.raises(Exception, match="can't be written") as caught:
            await box.watermark(task(tmp_path, target=str(tmp_path / "missing" / "out")))
    assert getattr(caught.value, "code", None) == "internal_error"
