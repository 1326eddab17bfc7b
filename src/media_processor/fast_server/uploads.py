"""``POST /media``: accepts a picture; 202 is sent once it is durable."""

import asyncio
import logging
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from media_processor.crash_points import crash_point
from media_processor.errors import IdempotencyConflict, Overloaded, UnknownProfile
from media_processor.fast_server.dependencies import caller_of, dependencies_of
from media_processor.fast_server.picture_forms import FORM, REFUSALS, receive_picture
from media_processor.fast_server.representations import accepted_media
from media_processor.http.problems import answers
from media_processor.messages.media import AcceptedMedia

log = logging.getLogger(__name__)
router = APIRouter()

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Send the same key again to get the first response, not a duplicate picture.",
    ),
]


@router.post(
    "/media",
    status_code=202,
    openapi_extra=FORM,
    responses=answers(*REFUSALS, IdempotencyConflict, UnknownProfile, Overloaded),
)
async def upload(
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    profile: Annotated[
        str | None, Query(description="Name of the profile; can also be the form field `profile`.")
    ] = None,
) -> AcceptedMedia:
    """Accept a picture. 202 means it is durable and will be watermarked and archived."""
    deps = dependencies_of(request)
    async with receive_picture(request, deps, profile) as received:
        crash_point("upload-received")
        new = replace(received, owner=caller_of(request).owner)
        media = await asyncio.to_thread(deps.spool.accept, new, idempotency_key)
    log.info("📥 %s accepted %s, %d bytes", media.record.id, media.record.filename, new.size)
    if media.place == "open":
        deps.backpressure.accepted(media.record.id)
        deps.feed.notice(media.record.id)
        await deps.enqueue(media.record.id)
        crash_point("job-enqueued")
    answer = accepted_media(media)
    response.headers["Location"] = answer.links.self
    return answer
