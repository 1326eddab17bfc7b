"""What the routes need, and who calls: built once by main.py, or read from the request."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from media_processor.accounts.caller import LOCAL, Caller
from media_processor.background_tasks import BackgroundTasks
from media_processor.central_client import CentralClient
from media_processor.errors import MediaNotFound, QueueUnavailable
from media_processor.fast_server.backpressure import Backpressure
from media_processor.fast_server.event_feed import EventFeed
from media_processor.fast_server.health import Health
from media_processor.fast_server.renditions import Renditions
from media_processor.fast_server.witness import Witness
from media_processor.ids import is_media_id
from media_processor.jobs.changes import Changes
from media_processor.jobs.queue import JobQueue
from media_processor.jobs.systems import Presence
from media_processor.pipeline.stages import FIRST
from media_processor.settings import FastServerSettings
from media_processor.watermarks.profiles import Profiles
from media_processor.work.media import Media
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

# A slower Redis must not delay the answer: the reconciler enqueues later.
_ENQUEUE_SECONDS = 2.0


@dataclass(frozen=True)
class Dependencies:
    settings: FastServerSettings
    spool: Spool
    queue: JobQueue
    changes: Changes
    presence: Presence
    central: CentralClient
    stopping: asyncio.Event
    backpressure: Backpressure
    profiles: Profiles
    feed: EventFeed
    renditions: Renditions
    witness: Witness
    background: BackgroundTasks
    health: Health

    def link_of(self, media_id: str) -> str:
        base = self.settings.public_url
        return f"{base}/archive/{media_id}/file" if base else self.central.link(media_id)

    async def enqueue(self, media_id: str) -> None:
        # While Redis can't be reached, the reconciler does it later.
        try:
            async with asyncio.timeout(_ENQUEUE_SECONDS):
                await self.queue.ensure([FIRST.job(media_id)])
        except QueueUnavailable as error:
            log.warning("⏸️ %s waits in the spool: %s", media_id, error.detail)
        except TimeoutError:
            log.warning("⏸️ %s waits in the spool: Redis doesn't answer", media_id)


def dependencies_of(request: Request) -> Dependencies:
    return cast(Dependencies, request.state.deps)


Deps = Annotated[Dependencies, Depends(dependencies_of)]
"""A parameter of a route."""


def find_media(media_id: str, deps: Deps) -> Media:
    return deps.spool.find(media_id)


FoundMedia = Annotated[Media, Depends(find_media)]
"""The media that the path names; MediaNotFound if there is none."""


def _check_stored_id(media_id: str) -> str:
    if not is_media_id(media_id):
        raise MediaNotFound("No picture with this id is stored.")
    return media_id


StoredId = Annotated[str, Depends(_check_stored_id)]
"""The ``media_id`` of the path, for a route on the archive."""


def caller_of(request: Request) -> Caller:  # noqa: ARG001 - every request is local as yet
    return LOCAL
