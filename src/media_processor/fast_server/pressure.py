"""Backpressure: a gateway that has too much to do says so, and when to come back.

How fast the spool drains is read off the spool, not counted here, so that it is right
however many gateways and workers share it.
"""

import asyncio
import logging
import math
import time
from collections import deque
from dataclasses import dataclass

from media_processor.errors import Overloaded
from media_processor.spool import Spool

log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0
# Long enough to even out bursts, short enough to follow a worker that comes or goes.
_WINDOW = 30.0
# Who is sent away comes back to some room, not to the very edge.
_ROOM = 0.9
_SHORTEST, _LONGEST = 1, 600
# Nothing drains, or the disk is full, which draining hardly helps: look again in a while.
_UNKNOWN = 60


@dataclass(frozen=True)
class Load:
    """How much there is to do. ``drain_per_second`` is media finished, None if not known."""

    unfinished: int
    limit: int
    drain_per_second: float | None
    retry_after_seconds: int | None


class Pressure:
    """Looks at the spool once a second."""

    def __init__(self, spool: Spool, *, limit: int, min_free_bytes: int) -> None:
        self._spool = spool
        self._limit = limit
        self._min_free_bytes = min_free_bytes
        self._open: frozenset[str] | None = None
        self._looked_at = 0.0
        self._drained: deque[tuple[float, float, int]] = deque()  # from, until, how many
        # Since the last look: admitted, so that a burst doesn't pass the limit unseen, and
        # accepted, so that what came and was finished in between counts as drained.
        self._admitted = self._accepted = 0

    async def watch(self) -> None:
        """Look every second, for ever."""
        while True:
            try:
                unfinished = await asyncio.to_thread(self._spool.open_ids)
                self.look(frozenset(unfinished), time.monotonic())
            except OSError:
                log.exception("❌ the spool can't be listed; it is tried again")
            await asyncio.sleep(_LOOK_EVERY)

    def look(self, unfinished: frozenset[str], at: float) -> None:
        """Take in which media are unfinished at the time ``at``, in seconds."""
        if self._open is not None:
            came_and_went = max(0, self._accepted - len(unfinished - self._open))
            drained = len(self._open - unfinished) + came_and_went
            self._drained.append((self._looked_at, at, drained))
            while self._drained[0][1] < at - _WINDOW:
                self._drained.popleft()
        self._open, self._looked_at = unfinished, at
        self._admitted = self._accepted = 0

    def admit(self, content_length: int) -> None:
        """Let an upload in.

        Raises:
            Overloaded: not now; says when.
        """
        load = self.load(content_length)
        if load.retry_after_seconds is not None:
            raise Overloaded(
                f"There is too much to do or too little room ({load.unfinished:,} unfinished). "
                f"Send it again in {load.retry_after_seconds} s.",
                retry_after=load.retry_after_seconds,
            )
        self._admitted += 1

    def accepted(self) -> None:
        """One that was let in is in the spool."""
        self._accepted += 1

    def load(self, content_length: int = 0) -> Load:
        """How it stands, for an upload of so many bytes."""
        unfinished = len(self._open or ()) + self._admitted
        rate = self._drain_per_second()
        wait = None
        if self._spool.storage.free_bytes() - content_length < self._min_free_bytes:
            wait = _UNKNOWN
        elif self._limit and unfinished >= self._limit:
            wait = _seconds_until_room(unfinished, self._limit, rate)
        return Load(unfinished, self._limit, rate, wait)

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
