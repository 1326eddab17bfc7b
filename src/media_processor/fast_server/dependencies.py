"""What the routes work with, built once by main.py."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from media_processor.accounts.caller import LOCAL, Caller
from media_processor.central_client import CentralClient
from media_processor.errors import QueueUnavailable
from media_processor.fast_server.backpressure import Backpressure
from media_processor.fast_server.event_feed import EventFeed
from media_processor.fast_server.renditions import Renditions
from media_processor.fast_server.witness import Witness
from media_processor.jobs.changes import Changes
from media_processor.jobs.queue import JobQueue
from media_processor.pipeline.stages import FIRST
from media_processor.settings import FastServerSettings
from media_processor.watermarks.profiles import Profiles
from media_processor.work.media import Media
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

# A Redis that is slower than this must not hold the answer up: the reconciler enqueues.
_ENQUEUE_SECONDS = 2.0


@dataclass(frozen=True)
class Dependencies:
    settings: FastServerSettings
    spool: Spool
    queue: JobQueue
    changes: Changes
    central: CentralClient
    stopping: asyncio.Event
    backpressure: Backpressure
    profiles: Profiles
    feed: EventFeed
    renditions: Renditions
    witness: Witness

    async def enqueue(self, media_id: str) -> None:
        """Have a media that is in the spool worked on, now or when Redis is back."""
        try:
            async with asyncio.timeout(_ENQUEUE_SECONDS):
                await self.queue.ensure([FIRST.job(media_id)])
        except (QueueUnavailable, TimeoutError):
            log.warning("⏸️ %s waits in the spool: Redis is away", media_id)


def dependencies_of(request: Request) -> Dependencies:
    """The deps of the application that serves ``request``."""
    return cast(Dependencies, request.state.deps)


Deps = Annotated[Dependencies, Depends(dependencies_of)]
"""For a route's signature."""


def find_media(media_id: str, deps: Deps) -> Media:
    """The media of the path."""
    return deps.spool.find(media_id)


FoundMedia = Annotated[Media, Depends(find_media)]
"""For a route's signature."""


def caller_of(request: Request) -> Caller:  # noqa: ARG001 - every request is local as yet
    """Who sent ``request``."""
    return LOCAL
