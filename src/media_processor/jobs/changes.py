"""Changes of media: published in Redis when a job begins or ends, passed to whoever waits."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from media_processor.ids import is_media_id
from media_processor.jobs.connection import REDIS_AWAY, SOCKET_TIMEOUT, OutageLog
from media_processor.jobs.queue import JobQueue


class Changes:
    """One subscription serves every waiter.

    A change is published when a job begins, just before that is noted, and when it ends.
    """

    def __init__(self, queue: JobQueue, on_change: Callable[[str], None]) -> None:
        """``on_change`` is called with every media's id, before those who wait for it."""
        self._redis, self._channel = queue.redis, queue.keys.changes
        self._unreadable = queue.unreadable
        self._on_change = on_change
        self._outage = OutageLog()
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    @asynccontextmanager
    async def watch(self, media_id: str) -> AsyncIterator[asyncio.Event]:
        """The event is set at each change of the media; the watcher clears it."""
        event = asyncio.Event()
        self._waiting[media_id].add(event)
        try:
            yield event
        finally:
            self._waiting[media_id].discard(event)
            if not self._waiting[media_id]:
                del self._waiting[media_id]

    async def listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self._channel)
                    while True:
                        # Shorter than the socket's timeout, which would cost the connection.
                        message = await channel.get_message(
                            ignore_subscribe_messages=True, timeout=SOCKET_TIMEOUT / 2
                        )
                        self._outage.back("changes")
                        if message:
                            self._hand_on(message["data"].decode(errors="replace"))
            except REDIS_AWAY as error:
                self._outage.away("changes", error)
                await asyncio.sleep(1)

    def _hand_on(self, media_id: str) -> None:
        if not is_media_id(media_id):
            self._unreadable.drop("change")
            return
        self._on_change(media_id)
        for event in self._waiting.get(media_id, ()):
            event.set()
