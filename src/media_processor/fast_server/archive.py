"""``GET /archive…``: what the central server has stored, for a page that can't reach it."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import Response, StreamingResponse

from media_processor.errors import (
    BrokenPicture,
    CentralUnavailable,
    InvalidField,
    MediaNotFound,
    Overloaded,
    RequestError,
)
from media_processor.fast_server.archive_proxy import Conditions, proxied, whole_or_cut_off
from media_processor.fast_server.dependencies import Deps
from media_processor.fast_server.media_files import archived_file
from media_processor.fast_server.renditions import Key, Side
from media_processor.fast_server.thumbnails import WEBP, webp
from media_processor.fast_server.zip_file import zip_of
from media_processor.http.files import PARTLY
from media_processor.http.problems import answers
from media_processor.ids import is_media_id
from media_processor.messages.archive import ArchiveQuery, StoredPage, WitnessedActivity

router = APIRouter()

_MOST_AT_ONCE = 1000


def _known_form(media_id: str) -> str:
    if not is_media_id(media_id):
        raise MediaNotFound("No picture with this id is stored.")
    return media_id


_MediaId = Annotated[str, Depends(_known_form)]


@router.get("/archive", responses=answers(InvalidField, CentralUnavailable))
async def search(deps: Deps, query: Annotated[ArchiveQuery, Query()]) -> StoredPage:
    """What the central server has stored."""
    return await deps.central.stored(query)


async def _fetched(
    media_id: _MediaId, deps: Deps, conditions: Conditions
) -> AsyncIterator[StreamingResponse]:
    async with deps.central.fetch(media_id, conditions) as fetched:
        yield proxied(fetched, {})


@router.get(
    "/archive/{media_id}/file",
    response_class=Response,
    responses={**PARTLY, **answers(MediaNotFound, CentralUnavailable)},
)
async def get_file(answer: Annotated[StreamingResponse, Depends(_fetched)]) -> StreamingResponse:
    """A stored picture."""
    return answer


@router.get(
    "/archive/{media_id}/thumbnail",
    response_class=Response,
    responses={
        200: WEBP,
        **answers(InvalidField, MediaNotFound, BrokenPicture, CentralUnavailable, Overloaded),
    },
)
async def thumbnail(media_id: _MediaId, deps: Deps, side: Side = Side.THUMBNAIL) -> Response:
    """A stored picture, small, as WebP."""
    key = Key(media_id, f"stored.{side}.webp")
    return webp(await deps.renditions.view(key, side, partial(archived_file, media_id, deps)))


@router.post(
    "/archive/zip",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {}}},
        **answers(InvalidField, RequestError, CentralUnavailable),
    },
)
async def get_zip(
    deps: Deps,
    media_ids: Annotated[list[str], Form(alias="id", min_length=1, max_length=_MOST_AT_ONCE)],
) -> StreamingResponse:
    """Many stored pictures as one ZIP file, streamed."""
    if not await deps.central.answers():
        raise CentralUnavailable("The central server can't be asked for the pictures now.")
    headers = {"Content-Disposition": 'attachment; filename="pictures.zip"'}
    chosen = list(dict.fromkeys(filter(is_media_id, media_ids)))
    pieces = whole_or_cut_off(zip_of(deps.central, chosen), "a ZIP of stored pictures")
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.get("/activity", responses=answers(InvalidField, CentralUnavailable))
async def activity(
    deps: Deps, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> WitnessedActivity:
    """The last lines of the activity log, and whether it is still what was witnessed."""
    page = await deps.central.activity(limit)
    return WitnessedActivity(lines=page.lines, verified=await deps.witness.verdict())
