"""What another program writes into our keys of a real Valkey is dropped, counted and reported."""

import asyncio

import msgpack
import pytest

from media_processor.cancellation import cancel_and_wait
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until_async
from media_processor.ids import new_media_id
from media_processor.jobs.changes import Changes
from media_processor.jobs.keys import JOB_PREFIX, RETRY_PREFIX, SYSTEMS
from media_processor.jobs.queue import Job, JobQueue
from media_processor.jobs.systems import Presence
from tests.conftest import KEYS
from tests.jobs.test_worker import QUEUE, TASK, Recorder, empty, working


def reported(queue: JobQueue, what: str) -> bool:
    report = queue.unreadable.report()
    return report is not None and what in report


@pytest.mark.parametrize("message", [b"\xff\xfe", b"../../etc/passwd", b"", b"x" * 100_000])
async def test_a_change_of_nothing(queue: JobQueue, message: bytes) -> None:
    heard: list[str] = []
    listening = asyncio.create_task(Changes(queue, heard.append).listen())
    media_id = new_media_id()

    async def arrived() -> bool:
        await queue.redis.publish(queue.keys.changes, message)
        await queue.redis.publish(queue.keys.changes, media_id)
        return bool(heard) and reported(queue, "change")

    await wait_until_async(arrived, "one is dropped, the other arrives")
    assert set(heard) == {media_id}
    await cancel_and_wait(listening)


@pytest.mark.parametrize("heartbeat", [b"", b"\xff", b"{}", b"[" * 10_000, b'{"name": 1}'])
async def test_a_heartbeat_of_nobody(queue: JobQueue, heartbeat: bytes) -> None:
    await queue.redis.zadd(queue.keys.workers, {b"\xff": 1, b"w": 2})
    await queue.redis.expire(queue.keys.workers, 60)
    await queue.redis.set(queue.keys.heartbeat("w"), heartbeat, px=60_000)
    assert await queue.workers() == []
    assert reported(queue, "heartbeat 1") == bool(heartbeat)


@pytest.mark.parametrize("score", ["0", "+inf"])
async def test_an_announcement_of_nobody(queue: JobQueue, score: str) -> None:
    await queue.redis.zadd(SYSTEMS, {b"\xff": "+inf", b"{}": score})
    present = Presence(queue, "worker", "w", "/folder")
    await present.announce()
    assert present.others == ()
    assert reported(queue, "announcement")


@pytest.mark.parametrize("job", [b"\xff\xfe", b"x", b"p:watermark:../../x", b""])
async def test_a_job_of_nothing(valkey: Valkey, queue: JobQueue, job: bytes) -> None:
    record = Recorder()
    wanted = Job(QUEUE, TASK, new_media_id())
    await queue.redis.zadd(KEYS.queue(QUEUE), {job: 0})
    await queue.ensure([wanted])
    async with working(valkey, record.run) as worker:
        await wait_until_async(lambda: empty(queue), "the queue is empty")
        assert "job 1" in str(worker._unreadable.report())
    assert record.ran == [wanted.media_id]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xff",
        msgpack.packb({"t": 1, "f": TASK, "a": ["x", "y"], "k": {}, "et": 0}),
        msgpack.packb({"t": None, "f": 5, "a": 5, "k": 5, "et": "x"}),
        msgpack.packb({"t": None, "f": TASK, "a": [1], "k": {}, "et": None}),
        msgpack.packb({"t": None, "f": "another", "a": ["x"], "k": {}, "et": 0}),
        msgpack.packb({"t": None, "f": TASK, "a": ["../x"], "k": {}, "et": 0}),
        msgpack.packb(["x"]),
        b"cos\nsystem\n(S'false'\ntR.",  # a pickle
    ],
)
async def test_a_job_that_says_nothing_is_queued_anew(
    valkey: Valkey, queue: JobQueue, payload: bytes
) -> None:
    record = Recorder()
    wanted = Job(QUEUE, TASK, new_media_id())
    job_id = KEYS.job_id(QUEUE, wanted.media_id)
    await queue.ensure([wanted])
    await queue.redis.set(JOB_PREFIX + job_id, payload)
    async with working(valkey, record.run, lease=10):
        await wait_until_async(lambda: empty(queue), "the job is dropped")
        await queue.ensure([wanted])
        await wait_until_async(lambda: ran(record, wanted), "it ran")


async def test_a_count_of_tries_that_is_none(valkey: Valkey, queue: JobQueue) -> None:
    record = Recorder()
    wanted = Job(QUEUE, TASK, new_media_id())
    await queue.ensure([wanted])
    await queue.redis.set(RETRY_PREFIX + KEYS.job_id(QUEUE, wanted.media_id), "many")
    async with working(valkey, record.run, lease=10):
        await wait_until_async(lambda: empty(queue), "the job is dropped")
        await queue.ensure([wanted])
        await wait_until_async(lambda: ran(record, wanted), "it ran")


async def test_a_redis_that_refuses_is_no_value_of_another_program(
    valkey: Valkey, queue: JobQueue, caplog: pytest.LogCaptureFixture
) -> None:
    record = Recorder()
    await queue.ensure([wanted := Job(QUEUE, TASK, new_media_id())])
    await change_rights(queue, "-incrby")
    try:
        async with working(valkey, record.run) as worker:
            await wait_until_async(lambda: refused(caplog), "the job can't run")
            assert worker._unreadable.report() is None
            await change_rights(queue, "+incrby")
            await wait_until_async(lambda: ran(record, wanted), "it ran")
    finally:
        await change_rights(queue, "+incrby")


async def change_rights(queue: JobQueue, rule: str) -> None:
    arguments = ("ACL", "SETUSER", "default", rule)
    await queue.redis.execute_command(*arguments)  # type: ignore[no-untyped-call]


async def refused(caplog: pytest.LogCaptureFixture) -> bool:
    return "can't be requeued" in caplog.text or "were dropped" in caplog.text


async def ran(record: Recorder, job: Job) -> bool:
    return set(record.ran) == {job.media_id}


async def test_nothing_is_reported_of_what_can_be_read(queue: JobQueue) -> None:
    present = Presence(queue, "worker", "w", "/folder")
    await present.announce()
    assert await queue.workers() == []
    assert queue.unreadable.report() is None
