"""The worker loop against a real Valkey."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from media_processor.errors import QueueUnavailable
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until_async
from media_processor.ids import new_media_id
from media_processor.jobs.connection import OutageLog, close
from media_processor.jobs.keys import IN_PROGRESS_PREFIX, Keys
from media_processor.jobs.queue import Job, JobQueue, open_queue
from media_processor.jobs.unreadable import Unreadable
from media_processor.jobs.worker import LeasedWorker, retry_in
from tests.conftest import KEYS

QUEUE, TASK = "watermark", "watermark_image_task"


@asynccontextmanager
async def working(
    valkey: Valkey,
    task: Any,
    *,
    name: str = "w",
    slots: int = 4,
    lease: float = 1.0,
    keys: Keys = KEYS,
) -> AsyncIterator[LeasedWorker]:
    of_all: dict[str, Any] = {
        "settings": valkey.settings,
        "keys": keys,
        "outage": OutageLog(),
        "unreadable": Unreadable(),
    }
    worker = LeasedWorker(QUEUE, TASK, task, name=name, slots=slots, lease=lease, **of_all)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.work(stop, grace=5))
    try:
        yield worker
    finally:
        stop.set()
        await running


class Recorder:
    """A task that notes what it ran; while ``hold`` is cleared its jobs don't end."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def run(self, _: dict[str, Any], media_id: str) -> None:
        self.ran.append(media_id)
        await self.hold.wait()


def jobs(count: int) -> list[Job]:
    return [Job(QUEUE, TASK, new_media_id()) for _ in range(count)]


def _id(job: Job) -> str:
    return KEYS.job_id(job.queue, job.media_id)


async def empty(queue: JobQueue) -> bool:
    depth = await queue.depth(QUEUE)
    return depth.waiting + depth.running + depth.retrying == 0


async def test_every_job_runs_once_and_leaves_nothing(queue: JobQueue, valkey: Valkey) -> None:
    queued, task = jobs(200), Recorder()
    await queue.ensure(queued)
    async with working(valkey, task.run), working(valkey, task.run, name="v"):
        await wait_until_async(lambda: empty(queue), "the queue is empty")

    assert sorted(task.ran) == sorted(job.media_id for job in queued)
    left = {key.decode() for key in valkey.client.scan_iter()} - {KEYS.wakeup(QUEUE)}
    assert left <= {KEYS.workers, KEYS.owner}


async def test_an_idle_worker_is_woken(queue: JobQueue, valkey: Valkey) -> None:
    """Far below the second after which it would look anyway."""
    task, waits = Recorder(), []
    async with working(valkey, task.run):
        await wait_until_async(queue.workers, "the worker is up")
        for number in range(10):
            started = time.monotonic()
            await queue.ensure(jobs(1))
            await wait_until_async(partial(_ran, task, number + 1), "the job ran")
            waits.append(time.monotonic() - started)
    assert sorted(waits)[5] < 0.5


async def _ran(task: Recorder, count: int) -> bool:
    return len(task.ran) == count


async def _true(value: bool) -> bool:
    return value


async def test_no_more_jobs_than_slots(queue: JobQueue, valkey: Valkey) -> None:
    task = Recorder()
    task.hold.clear()
    await queue.ensure(jobs(5))
    async with working(valkey, task.run, slots=2):
        await wait_until_async(lambda: _true(len(task.ran) == 2), "two run")
        depth = await queue.depth(QUEUE)
        assert (depth.waiting, depth.running) == (3, 2)
        task.hold.set()
        await wait_until_async(lambda: empty(queue), "all ran")
    assert len(task.ran) == 5


async def test_a_retry_comes_after_its_delay_and_not_before(
    queue: JobQueue, valkey: Valkey
) -> None:
    began: list[float] = []

    async def task(_: dict[str, Any], __: str) -> None:
        began.append(time.monotonic())
        if len(began) == 1:
            raise retry_in(0.7)

    async with working(valkey, task):
        await queue.ensure(jobs(1))
        await wait_until_async(lambda: _true(len(began) == 2), "it ran again")
        await wait_until_async(lambda: empty(queue), "it ended")
    assert 0.65 <= began[1] - began[0] < 3


async def test_a_long_job_keeps_its_lease(queue: JobQueue, valkey: Valkey) -> None:
    task = Recorder()
    task.hold.clear()
    async with working(valkey, task.run, lease=1), working(valkey, task.run, name="v", lease=1):
        await queue.ensure(jobs(1))
        began = time.monotonic()
        await wait_until_async(
            lambda: _true(time.monotonic() - began > 2.5), "two and a half leases pass"
        )
        task.hold.set()
        await wait_until_async(lambda: empty(queue), "it ended")
    assert len(task.ran) == 1


async def test_the_job_of_a_dead_worker_goes_to_another(queue: JobQueue, valkey: Valkey) -> None:
    """A worker that claims and then says nothing more, as after SIGKILL."""
    queued = jobs(1)
    await queue.ensure(queued)
    of_all: dict[str, Any] = {
        "settings": valkey.settings,
        "keys": KEYS,
        "outage": OutageLog(),
        "unreadable": Unreadable(),
    }
    dead = LeasedWorker(QUEUE, TASK, Recorder().run, name="dead", slots=1, lease=1, **of_all)
    claimed = await dead._claim(
        keys=[dead.queue_name, KEYS.wakeup(QUEUE), KEYS.owner],
        args=[1, 1000, "dead", IN_PROGRESS_PREFIX, KEYS.changes, KEYS.ownership],
    )
    assert claimed[1] == [_id(queued[0]).encode()]
    await close(dead.pool)
    await close(dead._wakeups)

    task = Recorder()
    async with working(valkey, task.run):
        await wait_until_async(lambda: _true(task.ran == [queued[0].media_id]), "taken over")
        await wait_until_async(lambda: empty(queue), "it ended")


async def test_a_late_worker_does_not_undo_what_another_took_over(
    queue: JobQueue, valkey: Valkey
) -> None:
    task = Recorder()
    task.hold.clear()
    queued = jobs(1)
    async with working(valkey, task.run):
        await queue.ensure(queued)
        await wait_until_async(lambda: _true(len(task.ran) == 1), "it runs")
        key = IN_PROGRESS_PREFIX + _id(queued[0])
        valkey.client.set(key, "another worker", px=60_000)
        task.hold.set()
    assert valkey.client.get(key) == b"another worker"
    assert valkey.client.zcard(KEYS.queue(QUEUE)) == 1


async def test_busy_workers_do_not_hide_waiting_jobs(queue: JobQueue, valkey: Valkey) -> None:
    """With stock ARQ an idle worker sees nothing once queue_read_limit jobs run elsewhere."""
    stuck = jobs(200)
    await queue.ensure(stuck)
    for job in stuck:
        valkey.client.set(IN_PROGRESS_PREFIX + _id(job), "elsewhere", px=60_000)
        valkey.client.zadd(KEYS.queue(QUEUE), {_id(job): 2e15})
    task, fresh = Recorder(), jobs(1)
    async with working(valkey, task.run):
        await queue.ensure(fresh)
        await wait_until_async(lambda: _true(task.ran == [fresh[0].media_id]), "it ran", 3)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    yield server
    server.stop()


async def test_it_survives_redis_going_away_and_coming_back(own: Valkey) -> None:
    task = Recorder()
    async with open_queue(own.settings, KEYS) as queue, working(own, task.run):
        await queue.ensure(jobs(1))
        await wait_until_async(lambda: _true(len(task.ran) == 1), "the first ran")
        own.kill()
        own.start()  # empty, as nothing was saved
        await queue.ensure(jobs(1))
        await wait_until_async(lambda: _true(len(task.ran) == 2), "the second ran")


async def test_a_flushed_redis_makes_no_phantom_of_a_running_job(
    queue: JobQueue, valkey: Valkey
) -> None:
    began = asyncio.Event()

    async def task(_: dict[str, Any], __: str) -> None:
        began.set()
        valkey.client.flushall()
        raise retry_in(0.01)

    async with working(valkey, task):
        await queue.ensure(jobs(1))
        await asyncio.wait_for(began.wait(), 5)
        await wait_until_async(lambda: empty(queue), "nothing is left")


async def test_stopping_lets_running_jobs_finish(queue: JobQueue, valkey: Valkey) -> None:
    ended: list[str] = []

    async def task(_: dict[str, Any], media_id: str) -> None:
        await asyncio.sleep(0.3)
        ended.append(media_id)

    await queue.ensure(jobs(1))
    async with working(valkey, task):

        async def runs() -> bool:
            return (await queue.depth(QUEUE)).running == 1

        await wait_until_async(runs, "it runs")
    assert len(ended) == 1


async def test_an_idle_worker_is_quiet(queue: JobQueue, valkey: Valkey) -> None:
    """At most 15 commands a second for both stages; this is one of the two."""
    async with working(valkey, Recorder().run, lease=10):
        await wait_until_async(queue.workers, "the worker is up")
        before, started = _commands(valkey), time.monotonic()
        await wait_until_async(lambda: _true(time.monotonic() - started > 3), "3 s pass")
        commands = _commands(valkey) - before - 1
    assert commands / (time.monotonic() - started) <= 7


def _commands(valkey: Valkey) -> int:
    info: Any = valkey.client.info("stats")
    return int(info["total_commands_processed"])


async def test_a_job_whose_lease_ran_out_here_is_not_begun_twice(
    queue: JobQueue, valkey: Valkey
) -> None:
    """Redis was away longer than a lease: the worker claims what it still runs."""
    task, queued = Recorder(), jobs(1)
    task.hold.clear()
    async with working(valkey, task.run) as worker:
        await queue.ensure(queued)
        await wait_until_async(partial(_ran, task, 1), "it runs")
        valkey.client.zadd(KEYS.queue(QUEUE), {_id(queued[0]): 0})
        valkey.client.delete(IN_PROGRESS_PREFIX + _id(queued[0]))
        assert await worker._claim_jobs(1) >= 0
        task.hold.set()
        await wait_until_async(lambda: empty(queue), "it ended")
    assert len(task.ran) == 1


async def test_a_worker_takes_no_job_of_another_spool(
    queue: JobQueue, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """Two spools with the same REDIS_PREFIX: the one that came first has it."""
    await queue.ensure(jobs(1))
    task, other = Recorder(), Keys(KEYS.prefix, "ba9876543210", "elsewhere /b")
    async with working(valkey, task.run, name="stranger", keys=other):
        await wait_until_async(
            lambda: _true("belongs to another spool (/folder on host)" in caplog.text), "it says so"
        )
        assert not await queue.workers()
        async with open_queue(valkey.settings, other) as theirs:
            with pytest.raises(QueueUnavailable, match="delete the key media:test:spool"):
                await theirs.ensure(jobs(1))
            with pytest.raises(QueueUnavailable, match="REDIS_PREFIX test belongs to another"):
                await theirs.check()
        assert (await queue.depth(QUEUE)).waiting == 1

        # As it says: the other spool is gone for good.
        valkey.client.delete(KEYS.owner)
        await wait_until_async(partial(_ran, task, 1), "it goes on")
    assert caplog.text.count("belongs to another spool") == 1
