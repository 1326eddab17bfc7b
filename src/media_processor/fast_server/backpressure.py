"""Backpressure: refuses uploads while too much is unfinished, with a fitting Retry-After.

The drain rate is measured on the spool, not counted here, so that it is right however many
fast servers and workers share it.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from media_processor.errors import Overloaded, StorageError
from media_processor.messages.fast_server import Throughput
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0
# Long enough to even out bursts, short enough to follow a worker that comes or goes.
_WINDOW = 30.0
# What the page's chart shows: five minutes.
_SPAN, _SPANS = 5, 60
# Retry-After aims at 90 % of the limit, so that clients aren't refused again at once.
_ROOM = 0.9
_SHORTEST, _LONGEST = 1, 600
# The wait while nothing drains, or the disk is full, which draining hardly helps.
_UNKNOWN = 60


@dataclass(frozen=True)
class Load:
    """Unfinished media and the limit; ``drain_per_second`` is media finished, None if unknown."""

    unfinished: int
    limit: int
    drain_per_second: float | None
    retry_after_seconds: int | None


class Backpressure:
    """Reads the spool once a second."""

    def __init__(self, spool: Spool, *, limit: int, min_free_bytes: int) -> None:
        self._spool = spool
        self._limit = limit
        self._min_free_bytes = min_free_bytes
        self._open: frozenset[str] | None = None
        self._looked_at = 0.0
        self._finished: dict[int, int] = {}  # media by span of time
        self._drained: deque[tuple[float, float, int]] = deque()  # from, until, how many
        # Accepted since the last read; those already gone at the next one have drained too.
        self._came: set[str] = set()
        # Uploads under way count, so that a burst can't pass the limit.
        self._arriving = 0

    async def watch(self) -> None:
        while True:
            try:
                came = frozenset(self._came)  # the listing may miss what arrives during it
                unfinished = await asyncio.to_thread(self._spool.open_ids)
                self.look(frozenset(unfinished), came, time.monotonic())
            except StorageError:
                log.exception("❌ can't list the spool; retrying")
            await asyncio.sleep(_LOOK_EVERY)

    def look(self, unfinished: frozenset[str], came: frozenset[str], at: float) -> None:
        """Record which media are unfinished at the time ``at``, in seconds.

        ``came`` were accepted before; those no longer unfinished have drained.
        """
        if self._open is not None:
            drained = len((self._open | came) - unfinished)
            self._drained.append((self._looked_at, at, drained))
            self._count(drained, at)
            while self._drained[0][1] < at - _WINDOW:
                self._drained.popleft()
        self._open, self._looked_at = unfinished, at
        self._came -= came

    @contextmanager
    def admitted(self, content_length: int) -> Iterator[None]:
        """Counts an upload of so many bytes while it is under way; raises Overloaded."""
        load = self.load(content_length)
        if load.retry_after_seconds is not None:
            raise Overloaded(
                f"Too many unfinished pictures ({load.unfinished:,}) or too little disk space. "
                f"Send the picture again in {load.retry_after_seconds} s.",
                retry_after=load.retry_after_seconds,
            )
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    def accepted(self, media_id: str) -> None:
        self._came.add(media_id)

    def load(self, content_length: int = 0) -> Load:
        here = self._open or frozenset()
        unfinished = len(here) + len(self._came - here) + self._arriving
        rate = self._drain_per_second()
        wait = None
        free = self._spool.storage.free_bytes()
        if free is not None and free - content_length < self._min_free_bytes:
            wait = _UNKNOWN
        elif self._limit and unfinished >= self._limit:
            wait = _seconds_until_room(unfinished, self._limit, rate)
        return Load(unfinished, self._limit, rate, wait)

    def throughput(self) -> Throughput:
        last = int(time.monotonic() // _SPAN)
        spans = range(last - _SPANS + 1, last + 1)
        return Throughput(
            seconds=_SPAN, finished=tuple(self._finished.get(span, 0) for span in spans)
        )

    def _count(self, drained: int, at: float) -> None:
        span = int(at // _SPAN)
        self._finished[span] = self._finished.get(span, 0) + drained
        if len(self._finished) > _SPANS:
            del self._finished[min(self._finished)]

    def _drain_per_second(self) -> float | None:
        if not self._drained:
            return None
        seconds = self._drained[-1][1] - self._drained[0][0]
        return sum(count for _, _, count in self._drained) / seconds


def _seconds_until_room(unfinished: int, limit: int, rate: float | None) -> int:
    if not rate:
        return _UNKNOWN
    seconds = math.ceil((unfinished - _ROOM * limit) / rate)
    return min(max(seconds, _SHORTEST), _LONGEST)
