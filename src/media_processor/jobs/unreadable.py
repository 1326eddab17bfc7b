"""Values in Redis that this version can't have written: dropped, counted and reported."""

import logging
import time
from collections import Counter

log = logging.getLogger(__name__)

# Reported for so long after the last one; logged at most so often. In seconds.
_REMEMBERED = 600.0
_LOGGED_EVERY = 60.0


class Unreadable:
    """What one process has dropped, by what it should have been."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._last = self._logged = -_REMEMBERED

    def drop(self, what: str) -> None:
        self._counts[what] += 1
        self._last = time.monotonic()
        if self._last > self._logged + _LOGGED_EVERY:
            self._logged = self._last
            log.warning("⚠️ %s", self.report())

    def report(self) -> str | None:
        """What an operator should know; None if nothing was dropped lately."""
        if time.monotonic() > self._last + _REMEMBERED:
            return None
        counts = ", ".join(f"{what} {count}" for what, count in sorted(self._counts.items()))
        return (
            f"Values in Redis that can't be read were dropped ({counts}): another program, or "
            "another version of media-processor, writes to this system's keys."
        )
