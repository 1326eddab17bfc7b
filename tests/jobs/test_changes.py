"""Changes are published in a real Valkey and reach who waits for them."""

import asyncio
import contextlib

from media_processor.harness.waiting import wait_until_async
from media_processor.jobs.changes import Changes
from media_processor.jobs.queue import JobQueue


async def test_watchers_hear_of_changes(queue: JobQueue) -> None:
    heard: list[str] = []
    changes = Changes(queue.redis, queue.keys.changes, heard.append)
    listening = asyncio.create_task(changes.listen())
    async with changes.watch("a") as mine, changes.watch("b") as other:

        async def arrived() -> bool:
            await queue.redis.publish("media:another:changes", "b")
            await queue.redis.publish(queue.keys.changes, "a")
            return mine.is_set()

        await wait_until_async(arrived, "the change arrives")
        assert not other.is_set()
        assert set(heard) == {"a"}
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
