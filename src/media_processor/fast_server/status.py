"""``GET /media…``: what became of a picture, and its files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import FileResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from media_processor.errors import (
    CentralUnavailable,
    InvalidField,
    MediaNotFound,
    NotFailed,
    NotReadyYet,
)
from media_processor.fast_server.archive_proxy import Conditions
from media_processor.fast_server.dependencies import Deps, FoundMedia
from media_processor.fast_server.media_files import original_answer, watermark_answer
from media_processor.fast_server.representations import status
from media_processor.http.files import PARTLY
from media_processor.http.problems import answers
from media_processor.ids import is_media_id
from media_processor.messages.media import MediaPage, MediaStatus, Status
from media_processor.work.media import Media

router = APIRouter()

# A change is announced; a beginning just before it is noted. That, and what Redis lost, is seen
# by looking this often, in seconds.
_LOOK_ANYWAY = 1.0


@router.get("/media", responses=answers(InvalidField))
def list_media(
    deps: Deps,
    status_is: Annotated[Status | None, Query(alias="status")] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> MediaPage:
    """Media, newest first."""
    if cursor is not None and not is_media_id(cursor):
        raise InvalidField("The cursor is not one that this server gave. Take it from 'next'.")
    found_media = deps.spool.newest(status_is, cursor, limit + 1)
    page = found_media[:limit]
    return MediaPage(
        items=tuple(status(media, deps.central) for media in page),
        next=page[-1].record.id if len(found_media) > limit else None,
    )


@router.get("/media/{media_id}", responses=answers(MediaNotFound))
def get_media(media: FoundMedia, deps: Deps) -> MediaStatus:
    """One media."""
    return status(media, deps.central)


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
    """The status now and at each change, as server-sent events, until it is stored or failed."""
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
                    data=status(media, deps.central),
                )
            if _has_ended(media) or deps.stopping.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK_ANYWAY)


def _event_id(media: Media) -> str:
    return str(len(media.progress.steps))


def _has_ended(media: Media) -> bool:
    return media.status in ("stored", "failed")


@router.post(
    "/media/{media_id}/retry", status_code=202, responses=answers(MediaNotFound, NotFailed)
)
async def retry(media_id: str, deps: Deps) -> MediaStatus:
    """Try a failed media again, with all its attempts."""
    media = await asyncio.to_thread(deps.spool.reopen, media_id)
    deps.feed.heard(media_id)
    await deps.enqueue(media_id)
    return status(media, deps.central)


@router.get(
    "/media/{media_id}/original",
    response_class=FileResponse,
    responses={**PARTLY, **answers(MediaNotFound)},
)
def get_original(media: FoundMedia, deps: Deps) -> FileResponse:
    """The picture as it came."""
    return original_answer(media, deps)


async def _watermarked(
    media: FoundMedia, deps: Deps, conditions: Conditions
) -> AsyncIterator[Response]:
    async with watermark_answer(media, deps, conditions) as answer:
        yield answer


@router.get(
    "/media/{media_id}/watermarked",
    response_class=Response,
    responses={**PARTLY, **answers(MediaNotFound, NotReadyYet, CentralUnavailable)},
)
async def get_watermarked(answer: Annotated[Response, Depends(_watermarked)]) -> Response:
    """The watermarked picture."""
    return answer
