"""Receives and checks a form that holds a picture, for ``POST /media`` and ``POST /preview``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from media_processor.errors import (
    BrokenPicture,
    DuplicatePart,
    EmptyFile,
    ImageBomb,
    InvalidField,
    NotMultipart,
    StorageFailing,
    StorageFull,
    TooManyFrames,
    TooManyPixels,
    UnsupportedPicture,
    UploadTooLarge,
    UploadTooSlow,
)
from media_processor.fast_server.dependencies import Dependencies
from media_processor.filenames import safe_filename
from media_processor.http.multipart import ReceivedFile, ReceivedForm, receive_form
from media_processor.images.probe import EMPTY, probe
from media_processor.limits import Limits
from media_processor.watermarks.profiles import Profiles
from media_processor.work.media import NewMedia

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
                            "description": "Name of the profile to watermark with.",
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
"""Errors that any form with a picture can get."""


@asynccontextmanager
async def receive_picture(
    request: Request, deps: Dependencies, profile: str | None
) -> AsyncIterator[NewMedia]:
    """The picture of the form, checked; its file is removed on leaving unless it was moved.

    ``profile`` is the one that the URL names, if any.

    Raises:
        One of REFUSALS, UnknownProfile.
        Overloaded: too many pictures are unfinished, or the disk is nearly full.
    """
    limit = deps.settings.max_upload_bytes
    # An upload over the limit must fail as too large, not as one to send again later.
    announced = min(int(request.headers.get("content-length", "0")), limit)
    with deps.backpressure.admitted(announced):
        async with receive_form(request, deps.spool.storage, max_file_bytes=limit) as form:
            chosen = _choose_profile(form, profile)
            limits = deps.settings.picture_limits
            yield await asyncio.to_thread(_check, form, deps.profiles, chosen, limits)


def _choose_profile(form: ReceivedForm, asked: str | None) -> str:
    field = form.fields.get("profile")
    if asked is not None and field is not None and asked != field:
        raise InvalidField(
            "The profile in the URL differs from the one in the form. Send only one."
        )
    return asked or field or "default"


def _check(form: ReceivedForm, profiles: Profiles, chosen: str, limits: Limits) -> NewMedia:
    if unknown := form.fields.keys() - {"profile"}:
        raise InvalidField(
            f"Unknown form field {min(unknown)!r}; the form takes 'file' and 'profile'."
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
    # The bytes decide the format, but a declared type such as text/html is a mistake.
    declared = (file.content_type or "application/octet-stream").partition(";")[0].strip().lower()
    if not declared.startswith("image/") and declared != "application/octet-stream":
        raise UnsupportedPicture(
            "The Content-Type of the part 'file' isn't that of a picture. "
            "Send a type such as image/jpeg, or none."
        )
