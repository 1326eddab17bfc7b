"""``POST /media``: takes a picture and answers 202 once it is durable."""

import asyncio
import logging
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from media_processor.crash_points import crash_point
from media_processor.errors import (
    BrokenPicture,
    DuplicatePart,
    EmptyFile,
    IdempotencyConflict,
    ImageBomb,
    InvalidField,
    NotMultipart,
    Overloaded,
    StorageFailing,
    StorageFull,
    TooManyFrames,
    TooManyPixels,
    UnknownProfile,
    UnsupportedPicture,
    UploadTooLarge,
    UploadTooSlow,
)
from media_processor.fast_server.dependencies import caller_of, dependencies_of
from media_processor.fast_server.representations import accepted
from media_processor.filenames import safe_filename
from media_processor.http.multipart import ReceivedFile, ReceivedForm, receive_form
from media_processor.http.problems import answers
from media_processor.images.probe import EMPTY, probe
from media_processor.limits import Limits
from media_processor.messages.media import AcceptedMedia
from media_processor.watermarks.profiles import Profiles
from media_processor.work.media import NewMedia

log = logging.getLogger(__name__)
router = APIRouter()

FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "The picture.",
                        },
                        "profile": {
                            "type": "string",
                            "default": "default",
                            "description": "How the logo is placed.",
                        },
                    },
                }
            }
        },
    }
}

REFUSALS = (
    DuplicatePart,
    EmptyFile,
    NotMultipart,
    UnsupportedPicture,
    UploadTooLarge,
    UploadTooSlow,
    InvalidField,
    BrokenPicture,
    TooManyPixels,
    TooManyFrames,
    ImageBomb,
    StorageFull,
    StorageFailing,
)
"""What any form with a picture can be answered with."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Send the same key to send the same picture again without doubling it.",
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
        str | None, Query(description="How the picture is watermarked; also taken as a field.")
    ] = None,
) -> AcceptedMedia:
    """Take a picture. 202 means it is on disk and will be watermarked and archived."""
    deps = dependencies_of(request)
    limit = deps.settings.max_upload_bytes
    # What is announced as larger is refused as too large, not told to come again.
    announced = min(int(request.headers.get("content-length", "0")), limit)
    with deps.backpressure.admitted(announced):
        async with receive_form(request, deps.spool.storage, max_file_bytes=limit) as form:
            crash_point("upload-received")
            chosen = chosen_profile(form, profile)
            limits = deps.settings.picture_limits
            new = await asyncio.to_thread(checked, form, deps.profiles, chosen, limits)
            new = replace(new, owner=caller_of(request).owner)
            media = await asyncio.to_thread(deps.spool.accept, new, idempotency_key)
    log.info("📥 %s accepted %s, %d bytes", media.record.id, media.record.filename, new.size)
    if media.place == "open":
        deps.backpressure.accepted(media.record.id)
        deps.feed.heard(media.record.id)
        await deps.enqueue(media.record.id)
        crash_point("job-enqueued")
    answer = accepted(media)
    response.headers["Location"] = answer.links.self
    return answer


def chosen_profile(form: ReceivedForm, asked: str | None) -> str:
    """The profile that the address or the form names; both may if they agree."""
    field = form.fields.get("profile")
    if asked is not None and field is not None and asked != field:
        raise InvalidField("The address and the form name different profiles.")
    return asked or field or "default"


def checked(form: ReceivedForm, profiles: Profiles, chosen: str, limits: Limits) -> NewMedia:
    """What the form holds, if it is a picture that we take."""
    if unknown := form.fields.keys() - {"profile"}:
        raise InvalidField(
            f"The form has no field {min(unknown)!r}; it takes 'file' and 'profile'."
        )
    file = form.file
    if file.size == 0:
        raise EmptyFile(EMPTY)
    _check_declared_type(file)
    profile = profiles.get(chosen)
    info = probe(file.incoming.path, limits)
    width, height = info.displayed_size
    return NewMedia(
        original=file.incoming,
        filename=safe_filename(file.filename),
        size=file.size,
        sha256=file.sha256,
        content_type=info.content_type,
        width=width,
        height=height,
        profile=profile.name,
        profile_digest=profile.digest,
    )


def _check_declared_type(file: ReceivedFile) -> None:
    """The bytes decide what a file is; but one that is declared as no picture is a mistake."""
    declared = (file.content_type or "application/octet-stream").partition(";")[0].strip().lower()
    if not declared.startswith("image/") and declared != "application/octet-stream":
        raise UnsupportedPicture(
            "The part 'file' is declared as something other than a picture. "
            "Declare it as what it is, such as image/jpeg, or leave its type out."
        )
