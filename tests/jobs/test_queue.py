"""The scripts against a real Valkey: whatever state a job is in, one transition mends it."""

import asyncio
from typing import Any

import msgpack
import pytest
from redis.asyncio.connection import AbstractConnection

from media_processor.cancellation import cancel_and_wait
from media_processor.errors import QueueUnavailable
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until_async
from media_processor.jobs.keys import IN_PROGRESS_PREFIX, JOB_PREFIX
from media_processor.jobs.queue import Job, JobQueue, open_queue
from media_processor.settings import RedisSettings
from tests.conftest import KEYS

JOB = Job("watermark", "watermark_image_task", "01a20a66-a48f-7ad5-bb5f-7d611df2d0fa")
JOB_ID = KEYS.job_id(JOB.queue, JOB.media_id)


async def waiting(queue: JobQueue) -> int:
    return (await queue.depth("watermark")).waiting


async def test_a_job_is_queued_once(queue: JobQueue) -> None:
    assert await queue.ensure([JOB]) == ["enqueued"]
    assert await queue.ensure([JOB, JOB]) == ["queued", "queued"]
    assert await waiting(queue) == 1


async def test_a_hundred_concurrent_callers_queue_it_once(queue: JobQueue) -> None:
    outcomes = await asyncio.gather(*(queue.ensure([JOB]) for _ in range(100)))
    assert outcomes.count(["enqueued"]) == 1
    assert await waiting(queue) == 1


async def test_a_running_job_is_left_alone(queue: JobQueue, valkey: Valkey) -> None:
    valkey.client.set(IN_PROGRESS_PREFIX + JOB_ID, "w", px=5000)
    assert await queue.ensure([JOB]) == ["running"]


@pytest.mark.parametrize("lost", ["payload", "place in the queue", "everything"])
async def test_what_redis_lost_is_made_whole(queue: JobQueue, valkey: Valkey, lost: str) -> None:
    await queue.ensure([JOB])
    if lost == "payload":
        valkey.client.delete(JOB_PREFIX + JOB_ID)
    elif lost == "place in the queue":
        valkey.client.zrem(KEYS.queue(JOB.queue), JOB_ID)
    else:
        valkey.client.flushall()

    assert await queue.ensure([JOB]) == ["enqueued"]
    assert await queue.ensure([JOB]) == ["queued"]
    assert await waiting(queue) == 1


async def test_a_delayed_job_waits(queue: JobQueue) -> None:
    await queue.ensure([Job("upload", "t", JOB.media_id, delay=30)])
    depth = await queue.depth("upload")
    assert (depth.waiting, depth.running, depth.retrying) == (0, 0, 1)


async def test_payloads_outlive_a_long_backlog(queue: JobQueue, valkey: Valkey) -> None:
    await queue.ensure([JOB])
    seconds: Any = valkey.client.ttl(JOB_PREFIX + JOB_ID)
    assert seconds > 7 * 24 * 3600


async def test_what_is_queued_is_gone_when_its_payloads_are(
    queue: JobQueue, valkey: Valkey
) -> None:
    """A system that is gone leaves nothing in a shared Redis."""
    await queue.ensure([JOB])
    for name in (KEYS.queue(JOB.queue), KEYS.owner, JOB_PREFIX + JOB_ID):
        seconds: Any = valkey.client.ttl(name)
        assert 29 * 24 * 3600 < seconds <= 30 * 24 * 3600


async def test_a_payload_is_no_pickle(queue: JobQueue, valkey: Valkey) -> None:
    await queue.ensure([JOB])
    payload = valkey.client.get(JOB_PREFIX + JOB_ID)
    assert isinstance(payload, bytes)
    assert msgpack.unpackb(payload)["f"] == "watermark_image_task"


async def test_without_redis_it_says_so_soon() -> None:
    settings = RedisSettings.model_validate({"redis_host": "127.0.0.1", "redis_port": free_port()})
    async with open_queue(settings, KEYS) as queue:
        with pytest.raises(QueueUnavailable):
            await asyncio.wait_for(queue.ensure([JOB]), 5)
        with pytest.raises(QueueUnavailable):
            await queue.depth("upload")


async def test_a_connection_that_closes_under_a_write_counts_as_away(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What uvloop raises there; an upload must not be answered 500 for it."""

    async def closed(*_: object, **__: object) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>")

    monkeypatch.setattr(AbstractConnection, "send_packed_command", closed)
    with pytest.raises(QueueUnavailable):
        await queue.ensure([JOB])


async def test_a_lease_has_one_holder_until_it_ends(queue: JobQueue) -> None:
    tokens = [str(number) for number in range(20)]
    took = await asyncio.gather(*(queue.has_lease("t", token, 60) for token in tokens))
    assert took.count(True) == 1
    holder = tokens[took.index(True)]
    assert await queue.has_lease("t", holder, 60)
    assert not await queue.has_lease("t", "other", 60)
    assert await queue.has_lease("t", holder, 0.001)
    await wait_until_async(lambda: queue.has_lease("t", "other", 60), "the lease has ended")
    assert not await queue.has_lease("t", holder, 60)


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    """As asyncio.wait_for does on Python 3.11, below redis-py."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel_and_wait(task), 10)
    assert task.cancelled()
