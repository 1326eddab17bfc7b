"""Changes are published in a real Valkey and reach who waits for them."""

import asyncio
import contextlib

from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until_async
from media_processor.jobs.changes import Changes
from media_processor.jobs.keys import CHANGES_CHANNEL
from media_processor.jobs.queue import open_queue


async def test_watchers_hear_of_changes(valkey: Valkey) -> None:
    heard: list[str] = []
    async with open_queue(valkey.settings) as queue:
        changes = Changes(queue.redis, heard.append)
        listening = asyncio.create_task(changes.listen())
        async with changes.watch("a") as mine, changes.watch("b") as other:

            async def arrived() -> bool:
                await queue.redis.publish(CHANGES_CHANNEL, "a")
                return mine.is_set()

            await wait_until_async(arrived, "the change arrives")
            assert not other.is_set()
            assert set(heard) == {"a"}
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
