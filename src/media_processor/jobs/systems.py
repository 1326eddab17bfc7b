"""Which processes use the same Redis, and which of them work on another spool.

A worker with another folder than the fast server's never sees its jobs. Each is well by itself:
only here do they meet.
"""

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from media_processor.errors import QueueUnavailable
from media_processor.jobs.connection import REDIS_AWAY, redis_errors
from media_processor.jobs.keys import SYSTEMS
from media_processor.jobs.queue import JobQueue
from media_processor.jobs.scripts import ANNOUNCE
from media_processor.messages.systems import Process

log = logging.getLogger(__name__)

Kind = Literal["fast server", "worker"]

_EVERY = 5.0
# One announcement may be lost, one late.
_REMEMBERED_MS = 15_000
# So many others are named; the first ones are enough to see the mistake.
_NAMED = 3

_DOES = {"worker": "works on", "fast server": "uses"}
_START = {
    "worker": "Start one: media-processor worker-server.",
    "fast server": "Start one: media-processor fast-server.",
}


class Presence:
    """Announces this process to all that use the same Redis, and knows the others."""

    def __init__(
        self,
        queue: JobQueue,
        kind: Kind,
        name: str,
        folder: str,
        stages: tuple[str, ...] = (),
    ) -> None:
        self._redis, keys = queue.redis, queue.keys
        self._unreadable = queue.unreadable
        self._announce = self._redis.register_script(ANNOUNCE)
        self.me = Process(
            kind=kind,
            name=name,
            host=socket.gethostname(),
            prefix=keys.prefix,
            spool=keys.spool,
            folder=folder,
            stages=stages,
            token=secrets.token_hex(4),
        )
        self.others: tuple[Process, ...] = ()

    async def announce(self) -> None:
        """Raises QueueUnavailable."""
        with redis_errors():
            if not self.me.since:
                seconds, microseconds = await self._redis.time()
                since = seconds * 1000 + microseconds // 1000
                self.me = self.me.model_copy(update={"since": since})
            found = await self._announce(keys=[SYSTEMS], args=[_encode(self.me), _REMEMBERED_MS])
        pairs = zip(found[::2], found[1::2], strict=True)
        seen = [one for pair in pairs if (one := self._decode(*pair))]
        self.others = tuple(one for one in seen if one.token != self.me.token)
        self.me = next((one for one in seen if one.token == self.me.token), self.me)

    def _decode(self, process: bytes, seen: bytes) -> Process | None:
        try:
            found = Process.model_validate_json(process)
            return found.model_copy(update={"seen": int(float(seen))})
        except (ValueError, OverflowError):  # the score may be infinite
            self._unreadable.drop("announcement")
            return None

    async def leave(self) -> None:
        with suppress(*REDIS_AWAY):
            async with asyncio.timeout(1):
                await self._redis.zrem(SYSTEMS, _encode(self.me))

    async def keep_up(self, complain: Callable[[], Awaitable[str | None]]) -> None:
        """Announce until cancelled. Log what ``complain`` finds wrong once, if it finds it twice
        in a row: whatever starts together isn't there at the same moment."""
        before = said = None
        try:
            while True:
                try:
                    await self.announce()
                    complaint = await complain()
                    if complaint == before and complaint != said:
                        _say(complaint, said)
                        said = complaint
                    before = complaint
                except QueueUnavailable as error:
                    log.debug("can't announce this process: %s", error)
                except Exception:
                    log.exception("❌ can't find out who works on this spool; trying again")
                await asyncio.sleep(_EVERY)
        finally:
            await self.leave()

    # ── what is wrong ────────────────────────────────────────────────────────────

    def why_alone(self, kind: Kind) -> str | None:
        """That no process of a ``kind`` shares this spool, and what to do; None if one does."""
        if any(one.kind == kind and _same_system(one, self.me) for one in self.others):
            return None
        first = f"No {kind} {_DOES[kind]} this spool ({self.me.folder})."
        return " ".join((first, *(self.strangers(kind) or [_START[kind]])))

    def strangers(self, kind: Kind) -> list[str]:
        """Processes of a ``kind`` that should perhaps share this spool, and what to do."""
        others = (one for one in self.others if one.kind == kind)
        told = [
            self._of_stranger(one)
            for one in others
            if not (_same_system(one, self.me) or self._is_served(one))
        ]
        return told[:_NAMED]

    def namesake(self) -> str | None:
        """That two live workers of this system have the same name; None if none have."""
        workers = [
            one
            for one in (self.me, *self.others)
            if one.kind == "worker" and _same_system(one, self.me)
        ]
        for number, one in enumerate(workers):
            for other in workers[number + 1 :]:
                if one.name == other.name and _overlap(one, other):
                    return (
                        f"Two workers are named {one.name} (on {one.host} and {other.host}): "
                        "give each a HOSTNAME of its own."
                    )
        return None

    def _of_stranger(self, one: Process) -> str:
        named = f"{one.name} on host {one.host}"
        if one.spool == self.me.spool:
            return (
                f"{named} does, but with the prefix {one.prefix} in Redis, not {self.me.prefix}: "
                "give both the same REDIS_PREFIX."
            )
        if one.folder == self.me.folder and one.host != self.me.host:
            return (
                f"{named} has another spool in a folder of the same name: mount the same folder "
                "on both hosts."
            )
        return f"{named} uses another one ({one.folder}): give both the same MEDIA_DATA_DIR."

    def _is_served(self, one: Process) -> bool:
        # It belongs to another system that is complete.
        return any(other.kind == self.me.kind and _same_system(other, one) for other in self.others)


def _say(complaint: str | None, before: str | None) -> None:
    if complaint:
        log.warning("⚠️ %s", complaint)
    else:
        log.info("👌 this is over: %s", before)


def _same_system(one: Process, other: Process) -> bool:
    return (one.spool, one.prefix) == (other.spool, other.prefix)


def _overlap(one: Process, other: Process) -> bool:
    # One that was killed is remembered for a while, and its successor has its name.
    both_lived = other.seen > one.since and one.seen > other.since
    return both_lived and bool(set(one.stages) & set(other.stages))


def _encode(process: Process) -> str:
    return process.model_dump_json(exclude={"seen"})
