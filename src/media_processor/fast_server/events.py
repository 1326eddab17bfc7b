"""``GET /events`` and ``/media/{id}/events``: changes as server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from media_processor.errors import MediaNotFound
from media_processor.fast_server.dependencies import Deps, FoundMedia
from media_processor.fast_server.representations import media_status
from media_processor.http.problems import answers
from media_processor.work.media import Media

router = APIRouter()

# Changes are announced over Redis, except that a stage begins; and Redis may lose some. So the
# spool is read this often as well, in seconds.
_POLL_SECONDS = 1.0


@router.get("/events", response_class=EventSourceResponse)
async def all_events(
    deps: Deps, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> AsyncIterator[ServerSentEvent]:
    """Changes of all pictures and of the queues, as server-sent events."""
    async with aclosing(deps.feed.follow(last_event_id)) as events:
        async for event in events:
            yield event


@router.get(
    "/media/{media_id}/events",
    response_class=EventSourceResponse,
    responses=answers(MediaNotFound),
)
async def media_events(
    media: FoundMedia,
    deps: Deps,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """The status now and after each change, as server-sent events, until stored or failed."""
    media_id = media.record.id
    sent = media if last_event_id == _event_id(media) and not _has_ended(media) else None
    async with deps.changes.watch(media_id) as changed:
        while True:
            changed.clear()
            media = await asyncio.to_thread(deps.spool.find, media_id)
            if media != sent:
                sent = media
                yield ServerSentEvent(
                    event="status",
                    id=_event_id(media),
                    data=media_status(media, deps.link_of),
                )
            if _has_ended(media) or deps.stopping.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _POLL_SECONDS)


def _event_id(media: Media) -> str:
    return str(media.progress.revision)


def _has_ended(media: Media) -> bool:
    return media.status in ("stored", "failed")
