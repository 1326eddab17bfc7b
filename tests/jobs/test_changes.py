"""Changes are published in a real Valkey and reach who waits for them."""

import asyncio
import contextlib

from media_processor.harness.waiting import wait_until_async
from media_processor.ids import new_media_id
from media_processor.jobs.changes import Changes
from media_processor.jobs.queue import JobQueue

A, B = new_media_id(), new_media_id()


async def test_watchers_hear_of_changes(queue: JobQueue) -> None:
    heard: list[str] = []
    changes = Changes(queue, heard.append)
    listening = asyncio.create_task(changes.listen())
    async with changes.watch(A) as mine, changes.watch(B) as other:

        async def arrived() -> bool:
            await queue.redis.publish("media:another:changes", B)
            await queue.redis.publish(queue.keys.changes, A)
            return mine.is_set()

        await wait_until_async(arrived, "the change arrives")
        assert not other.is_set()
        assert set(heard) == {A}
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
