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
from media_processor.fast_server.handed_on import Conditions, handed_on
from media_processor.fast_server.parts import PartsOf
from media_processor.fast_server.views import status
from media_processor.http.files import PARTLY, PictureFile, file_headers
from media_processor.http.problems import answers
from media_processor.messages.media import MediaPage, MediaStatus, Status
from media_processor.messages.names import branded_filename, is_media_id
from media_processor.spool import Media, Spool

router = APIRouter()

# A change is announced; a beginning just before it is noted. That, and what Redis lost, is seen
# by looking this often, in seconds.
_LOOK_ANYWAY = 1.0


def found(media_id: str, parts: PartsOf) -> Media:
    """The media of the path."""
    return parts.spool.find(media_id)


FoundMedia = Annotated[Media, Depends(found)]
"""For a route's signature."""


@router.get("/media", responses=answers(InvalidField))
def list_media(
    parts: PartsOf,
    status_is: Annotated[Status | None, Query(alias="status")] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> MediaPage:
    """Media, newest first."""
    if cursor is not None and not is_media_id(cursor):
        raise InvalidField("The cursor is not one that this server gave. Take it from 'next'.")
    found_media = parts.spool.newest(status_is, cursor, limit + 1)
    page = found_media[:limit]
    return MediaPage(
        items=tuple(status(media, parts.central) for media in page),
        next=page[-1].record.id if len(found_media) > limit else None,
    )


@router.get("/media/{media_id}", responses=answers(MediaNotFound))
def get_media(media: FoundMedia, parts: PartsOf) -> MediaStatus:
    """One media."""
    return status(media, parts.central)


@router.get(
    "/media/{media_id}/events",
    response_class=EventSourceResponse,
    responses=answers(MediaNotFound),
)
async def media_events(
    media: FoundMedia,
    parts: PartsOf,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """The status now and at each change, as server-sent events, until it is stored or failed."""
    media_id = media.record.id
    sent = media if last_event_id == _event_id(media) and not _has_ended(media) else None
    async with parts.changes.watch(media_id) as changed:
        while True:
            changed.clear()
            media = await asyncio.to_thread(parts.spool.find, media_id)
            if media != sent:
                sent = media
                yield ServerSentEvent(
                    event="status",
                    id=_event_id(media),
                    data=status(media, parts.central),
                )
            if _has_ended(media) or parts.stopping.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK_ANYWAY)


def not_branded(media: Media) -> NotReadyYet:
    """Why there is no branded picture."""
    if media.status == "failed" and media.progress.error:
        return NotReadyYet(f"It wasn't branded, as it failed: {media.progress.error.detail}")
    return NotReadyYet("The picture isn't branded yet. Its status tells when it is stored.")


def _event_id(media: Media) -> str:
    return str(len(media.progress.steps))


def _has_ended(media: Media) -> bool:
    return media.status in ("stored", "failed")


@router.post(
    "/media/{media_id}/retry", status_code=202, responses=answers(MediaNotFound, NotFailed)
)
async def retry(media_id: str, parts: PartsOf) -> MediaStatus:
    """Try a failed media again, with all its attempts."""
    media = await asyncio.to_thread(parts.spool.reopen, media_id)
    parts.feed.heard(media_id)
    await parts.enqueue(media_id)
    return status(media, parts.central)


@router.get(
    "/media/{media_id}/original",
    response_class=FileResponse,
    responses={**PARTLY, **answers(MediaNotFound)},
)
def get_original(media: FoundMedia, parts: PartsOf) -> FileResponse:
    """The picture as it came."""
    record = media.record
    try:
        file = parts.spool.original(record).open("rb")
    except FileNotFoundError:
        raise MediaNotFound("The original is no longer kept here.") from None
    return PictureFile(
        file, filename=record.filename, content_type=record.content_type, sha256=record.sha256
    )


async def branded(
    media: FoundMedia, parts: PartsOf, conditions: Conditions
) -> AsyncIterator[Response]:
    """The answer with the branded picture: from the spool while it is there, then from the
    archive."""
    if media.status != "stored":
        if here := await asyncio.to_thread(_spooled, media, parts.spool):
            yield here
            return
        # It may have been stored and swept away since we looked.
        media = await asyncio.to_thread(parts.spool.find, media.record.id)
        if media.status != "stored":
            raise not_branded(media)
    filename, kind = _branded_as(media)
    own = {**file_headers(filename), "Content-Type": kind}
    async with parts.central.fetch(media.record.id, conditions) as fetched:
        yield handed_on(fetched, own)


def _spooled(media: Media, spool: Spool) -> PictureFile | None:
    path, made = spool.finished_watermark(media), media.progress.watermarked
    if path is None or made is None:
        return None
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    filename, kind = _branded_as(media)
    return PictureFile(file, filename=filename, content_type=kind, sha256=made.sha256)


def _branded_as(media: Media) -> tuple[str, str]:
    """The branded picture's file name and content type."""
    record, made = media.record, media.progress.watermarked
    name = branded_filename(record.filename, made.extension if made else None)
    return name, made.content_type if made else record.content_type


@router.get(
    "/media/{media_id}/watermarked",
    response_class=Response,
    responses={**PARTLY, **answers(MediaNotFound, NotReadyYet, CentralUnavailable)},
)
async def get_watermarked(answer: Annotated[Response, Depends(branded)]) -> Response:
    """The branded picture."""
    return answer
