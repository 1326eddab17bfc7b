"""Tries parked pictures again: those that failed because the central server was away.

All of them when it answers again; each after PARKED_RETRY_SECONDS if it answers but didn't take
them. While it is away, a round only asks whether it is ready. One worker does this for all, a few
hundred at a time, and never so many that uploads are refused because of them.
"""

import asyncio
import logging
import secrets
from datetime import datetime

from media_processor.central_client import CentralClient
from media_processor.errors import MediaProcessorError, NotFailed, QueueUnavailable
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue
from media_processor.messages.media import Progress
from media_processor.pipeline.stages import FIRST
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

_TASK = "parked"

# One pipeline; about half a second's work, so that the lease is renewed in time.
_BATCH = 500

# Longer than a batch takes on a slow disk. Two that reopen at once do no harm, only work twice.
_LEAST_LEASE_SECONDS = 30.0

# While more are due: what was reopened a second ago has been worked on meanwhile.
_NEXT_BATCH_SECONDS = 1.0


class Parked:
    """One round asks the central server once, if anything is parked."""

    def __init__(
        self, spool: Spool, queue: JobQueue, central: CentralClient, *, every: float, limit: int
    ) -> None:
        """``limit`` is MAX_UNFINISHED, 0 for none."""
        self._spool = spool
        self._queue = queue
        self._central = central
        self._every = every
        # The other half is for uploads.
        self._most = max(1, limit // 2) if limit else None
        self._token = secrets.token_hex(8)
        # It lasts from round to round, as its holder knows whether the central server was away.
        self._lease_seconds = max(_LEAST_LEASE_SECONDS, 3 * every)
        self._was_away = False
        self._back_at: datetime | None = None
        self._not_before: dict[str, datetime] = {}

    async def run(self) -> None:
        while True:
            reopened = 0
            try:
                reopened = await self.round()
            except QueueUnavailable as error:
                log.debug("parked pictures wait: %s", error)  # the worker loop says it already
            except Exception:
                log.exception("❌ can't retry parked pictures; trying again in a few seconds")
            await asyncio.sleep(min(self._every, _NEXT_BATCH_SECONDS) if reopened else self._every)

    async def round(self) -> int:
        """Reopens one batch; returns how many that was.

        Raises:
            QueueUnavailable: nobody knows whose turn it is, so nothing was done.
        """
        parked = await asyncio.to_thread(self._spool.parked_ids)
        if not parked:
            self._was_away = False
            return 0
        if not await self._queue.has_lease(_TASK, self._token, self._lease_seconds):
            return 0
        if not await self._central.answers():
            self._was_away = True
            return 0
        if self._was_away:
            self._was_away, self._back_at = False, now()
            self._not_before.clear()
        reopened = await asyncio.to_thread(self._reopen, parked)
        if reopened:
            log.info("🔓 the central server answers; retrying parked pictures: %d", len(reopened))
            await self._queue.ensure([FIRST.job(media_id) for media_id in reopened])
        return len(reopened)

    def _reopen(self, parked: list[str]) -> list[str]:
        room = self._room()
        reopened: list[str] = []
        for gone in self._not_before.keys() - set(parked):
            del self._not_before[gone]
        for media_id in parked:
            if len(reopened) >= room:
                break
            try:
                if self._is_due(media_id):
                    self._spool.reopen(media_id)
                    reopened.append(media_id)
            except NotFailed:
                continue  # somebody retried it
            except MediaProcessorError as error:
                log.error("❌ %s stays parked: %s", media_id, error.detail)
        return reopened

    def _room(self) -> int:
        if self._most is None:
            return _BATCH
        return min(_BATCH, self._most - len(self._spool.open_ids()))

    def _is_due(self, media_id: str) -> bool:
        # Thousands may be parked for a quarter of an hour, so they aren't all read every round.
        not_before = self._not_before.get(media_id)
        if not_before and not_before > now():
            return False
        at = self._not_before[media_id] = self._due_at(self._spool.progress(media_id))
        return at <= now()

    def _due_at(self, progress: Progress) -> datetime:
        if progress.next_attempt_at is None or not progress.steps:
            return now()
        # One that was never reopened is tried at once: the central server may just be back.
        if all(step.step != "reopened" for step in progress.steps):
            return now()
        if self._back_at and progress.steps[-1].at <= self._back_at:
            return now()
        return progress.next_attempt_at
