"""``GET /media…``: the state of a picture, its files, and trying a failed one again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse, Response

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
from media_processor.fast_server.representations import media_status
from media_processor.http.files import DOWNLOAD
from media_processor.http.problems import answers
from media_processor.ids import is_media_id
from media_processor.messages.media import MediaPage, MediaStatus, Status

router = APIRouter()


@router.get("/media", responses=answers(InvalidField))
def list_media(
    deps: Deps,
    status_is: Annotated[Status | None, Query(alias="status")] = None,
    cursor: Annotated[
        str | None, Query(description="The `next` value of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> MediaPage:
    """List pictures, newest first."""
    if cursor is not None and not is_media_id(cursor):
        raise InvalidField("Invalid cursor. Use the 'next' value of the previous page.")
    found_media = deps.spool.newest(status_is, cursor, limit + 1)
    page = found_media[:limit]
    return MediaPage(
        items=tuple(media_status(media, deps.link_of) for media in page),
        next=page[-1].record.id if len(found_media) > limit else None,
    )


@router.get("/media/{media_id}", responses=answers(MediaNotFound))
def get_media(media: FoundMedia, deps: Deps) -> MediaStatus:
    """The status of one picture."""
    return media_status(media, deps.link_of)


@router.post(
    "/media/{media_id}/retry", status_code=202, responses=answers(MediaNotFound, NotFailed)
)
async def retry(media_id: str, deps: Deps) -> MediaStatus:
    """Retry a failed picture with the full number of attempts."""
    media = await asyncio.to_thread(deps.spool.reopen, media_id)
    deps.feed.notice(media_id)
    await deps.enqueue(media_id)
    return media_status(media, deps.link_of)


@router.get(
    "/media/{media_id}/original",
    response_class=FileResponse,
    responses={**DOWNLOAD, **answers(MediaNotFound)},
)
def get_original(media: FoundMedia, deps: Deps) -> FileResponse:
    """The original picture, byte for byte."""
    return original_answer(media, deps)


async def _watermarked(
    media: FoundMedia, deps: Deps, conditions: Conditions
) -> AsyncIterator[Response]:
    async with watermark_answer(media, deps, conditions) as answer:
        yield answer


@router.get(
    "/media/{media_id}/watermarked",
    response_class=Response,
    responses={**DOWNLOAD, **answers(MediaNotFound, NotReadyYet, CentralUnavailable)},
)
async def get_watermarked(answer: Annotated[Response, Depends(_watermarked)]) -> Response:
    """The watermarked picture."""
    return answer
