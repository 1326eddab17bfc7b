"""A background task that ends is started again, and reported."""

import asyncio
from collections.abc import Iterator

import pytest

from media_processor import background_tasks
from media_processor.background_tasks import BackgroundTasks
from media_processor.harness.waiting import wait_until_async


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_tasks, "_DELAYS", (0.0,))


class Task:
    """Ends as often as it has ``ends``, by one each time, and then goes on."""

    def __init__(self, *ends: BaseException | None) -> None:
        self.starts = 0
        self._ends: Iterator[BaseException | None] = iter(ends)

    async def run(self) -> None:
        self.starts += 1
        for end in self._ends:
            if end:
                raise end
            return
        await asyncio.Event().wait()

    async def started(self, times: int) -> None:
        async def is_started() -> bool:
            return self.starts == times

        await wait_until_async(is_started, f"started {times} times")


async def test_one_that_ends_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = Task(ValueError("odd"), None), Task()
    background = BackgroundTasks()
    async with background.run(broken=broken.run, whole=whole.run):
        await broken.started(3)
        await whole.started(1)
        report = background.report()
    assert report is not None
    assert "broken (2 times)" in report
    assert "whole" not in report
    assert "the task broken has failed" in caplog.text
    assert "ValueError: odd" in caplog.text


async def test_so_is_one_whose_work_somebody_cancelled() -> None:
    cancelled = Task(asyncio.CancelledError())
    background = BackgroundTasks()
    async with background.run(cancelled=cancelled.run):
        await cancelled.started(2)
        assert "cancelled" in (background.report() or "")


async def test_what_was_long_ago_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Task(ValueError())
    background = BackgroundTasks()
    async with background.run(broken=broken.run):
        await broken.started(2)
        monkeypatch.setattr(background_tasks, "_WELL_AFTER", 0.0)
        assert background.report() is None


async def test_all_end_with_the_service() -> None:
    task = Task()
    async with BackgroundTasks().run(task=task.run):
        await task.started(1)
    assert len(asyncio.all_tasks()) == 1
