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
from media_processor.fast_server.archive_proxy import Conditions, proxied
from media_processor.fast_server.dependencies import Deps
from media_processor.fast_server.representations import status
from media_processor.filenames import watermarked_filename
from media_processor.http.files import PARTLY, PictureFile, file_headers
from media_processor.http.problems import answers
from media_processor.ids import is_media_id
from media_processor.messages.media import MediaPage, MediaStatus, Status
from media_processor.work.spool import Media, Spool

router = APIRouter()

# A change is announced; a beginning just before it is noted. That, and what Redis lost, is seen
# by looking this often, in seconds.
_LOOK_ANYWAY = 1.0


def found(media_id: str, deps: Deps) -> Media:
    """The media of the path."""
    return deps.spool.find(media_id)


FoundMedia = Annotated[Media, Depends(found)]
"""For a route's signature."""


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


def not_watermarked(media: Media) -> NotReadyYet:
    """Why there is no watermarked picture."""
    if media.status == "failed" and media.progress.error:
        return NotReadyYet(f"It wasn't watermarked, as it failed: {media.progress.error.detail}")
    return NotReadyYet("The picture isn't watermarked yet. Its status tells when it is stored.")


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
    record = media.record
    try:
        file = deps.spool.original(record).open("rb")
    except FileNotFoundError:
        raise MediaNotFound("The original is no longer kept here.") from None
    return PictureFile(
        file, filename=record.filename, content_type=record.content_type, sha256=record.sha256
    )


async def watermarked(
    media: FoundMedia, deps: Deps, conditions: Conditions
) -> AsyncIterator[Response]:
    """The answer with the watermarked picture: from the spool while it is there, then from the
    archive."""
    if media.status != "stored":
        if here := await asyncio.to_thread(_spooled, media, deps.spool):
            yield here
            return
        # It may have been stored and swept away since we looked.
        media = await asyncio.to_thread(deps.spool.find, media.record.id)
        if media.status != "stored":
            raise not_watermarked(media)
    filename, kind = _watermarked_as(media)
    own = {**file_headers(filename), "Content-Type": kind}
    async with deps.central.fetch(media.record.id, conditions) as fetched:
        yield proxied(fetched, own)


def _spooled(media: Media, spool: Spool) -> PictureFile | None:
    path, made = spool.finished_watermark(media), media.progress.watermarked
    if path is None or made is None:
        return None
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    filename, kind = _watermarked_as(media)
    return PictureFile(file, filename=filename, content_type=kind, sha256=made.sha256)


def _watermarked_as(media: Media) -> tuple[str, str]:
    """The watermarked picture's file name and content type."""
    record, made = media.record, media.progress.watermarked
    name = watermarked_filename(record.filename, made.extension if made else None)
    return name, made.content_type if made else record.content_type


@router.get(
    "/media/{media_id}/watermarked",
    response_class=Response,
    responses={**PARTLY, **answers(MediaNotFound, NotReadyYet, CentralUnavailable)},
)
async def get_watermarked(answer: Annotated[Response, Depends(watermarked)]) -> Response:
    """The watermarked picture."""
    return answer
