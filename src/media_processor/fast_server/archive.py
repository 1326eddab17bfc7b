"""``GET /archive…`` and ``/activity``: the archive, for clients that can't reach it."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import Response, StreamingResponse

from media_processor.errors import (
    CentralUnavailable,
    InvalidField,
    MediaNotFound,
    RequestError,
)
from media_processor.fast_server.archive_proxy import Conditions, proxy_response, stream_or_cut_off
from media_processor.fast_server.dependencies import Deps, StoredId
from media_processor.fast_server.zip_file import stream_zip
from media_processor.http.files import DOWNLOAD
from media_processor.http.problems import answers
from media_processor.ids import is_media_id
from media_processor.messages.archive import ArchiveQuery, StoredPage, WitnessedActivity

router = APIRouter()

_MOST_AT_ONCE = 1000


@router.get("/archive", responses=answers(InvalidField, CentralUnavailable))
async def search(deps: Deps, query: Annotated[ArchiveQuery, Query()]) -> StoredPage:
    """Search the archive."""
    return await deps.central.stored(query)


async def _fetch(
    media_id: StoredId, deps: Deps, conditions: Conditions
) -> AsyncIterator[StreamingResponse]:
    async with deps.central.fetch(media_id, conditions) as fetched:
        yield proxy_response(fetched, {})


@router.get(
    "/archive/{media_id}/file",
    response_class=Response,
    responses={**DOWNLOAD, **answers(MediaNotFound, CentralUnavailable)},
)
async def get_file(answer: Annotated[StreamingResponse, Depends(_fetch)]) -> StreamingResponse:
    """A stored picture."""
    return answer


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
    """Download stored pictures as one ZIP file, streamed."""
    if not await deps.central.answers():
        raise CentralUnavailable("The central server can't be reached. Try again later.")
    headers = {"Content-Disposition": 'attachment; filename="pictures.zip"'}
    chosen = list(dict.fromkeys(filter(is_media_id, media_ids)))
    pieces = stream_or_cut_off(stream_zip(deps.central, chosen), "a ZIP of stored pictures")
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.get("/activity", responses=answers(InvalidField, CentralUnavailable))
async def activity(
    deps: Deps, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> WitnessedActivity:
    """The last lines of the activity log, and whether it is unaltered."""
    page = await deps.central.activity(limit)
    return WitnessedActivity(lines=page.lines, verified=await deps.witness.verdict())
