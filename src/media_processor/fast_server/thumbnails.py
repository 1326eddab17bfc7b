"""``GET /media/{id}/thumbnail``, ``/difference`` and ``POST /preview``: pictures for a browser."""

from datetime import date
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from media_processor.errors import (
    BrokenPicture,
    CentralUnavailable,
    InvalidField,
    LogoUnavailable,
    MediaNotFound,
    NotReadyYet,
    Overloaded,
    UnknownProfile,
)
from media_processor.fast_server.dependencies import (
    Deps,
    FoundMedia,
    StoredId,
    dependencies_of,
)
from media_processor.fast_server.media_files import (
    archived_file,
    local_original,
    local_watermark,
    not_watermarked,
)
from media_processor.fast_server.picture_forms import FORM, REFUSALS, receive_picture
from media_processor.fast_server.renditions import Key, Side
from media_processor.http.files import file_headers
from media_processor.http.problems import answers
from media_processor.messages.fast_server import Difference
from media_processor.work.media import Media

router = APIRouter()

# The bytes behind a URL never change: a media has one original and one watermarked picture.
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_WEBP: dict[str, object] = {"content": {"image/webp": {}}}


@router.get(
    "/media/{media_id}/thumbnail",
    response_class=Response,
    responses={
        200: _WEBP,
        **answers(
            InvalidField, MediaNotFound, NotReadyYet, BrokenPicture, CentralUnavailable, Overloaded
        ),
    },
)
async def thumbnail(
    media: FoundMedia,
    deps: Deps,
    of: Literal["original", "watermarked"] = "watermarked",
    side: Side = Side.THUMBNAIL,
) -> Response:
    """A small version of the original or the watermarked picture, as WebP."""
    name, source = (
        ("original", local_original) if of == "original" else (_digest(media), local_watermark)
    )
    key = Key(media.record.id, f"{name}.{side}.webp")
    return _webp(await deps.renditions.view(key, side, partial(source, media, deps)))


@router.get(
    "/archive/{media_id}/thumbnail",
    response_class=Response,
    responses={
        200: _WEBP,
        **answers(InvalidField, MediaNotFound, BrokenPicture, CentralUnavailable, Overloaded),
    },
)
async def stored_thumbnail(media_id: StoredId, deps: Deps, side: Side = Side.THUMBNAIL) -> Response:
    """A small version of a stored picture, as WebP."""
    key = Key(media_id, f"stored.{side}.webp")
    return _webp(await deps.renditions.view(key, side, partial(archived_file, media_id, deps)))


@router.get(
    "/media/{media_id}/difference",
    responses=answers(MediaNotFound, NotReadyYet, BrokenPicture, CentralUnavailable, Overloaded),
    response_model=Difference,
)
async def difference(media: FoundMedia, deps: Deps) -> Response:
    """The blocks of the picture that watermarking changed."""
    key = Key(media.record.id, f"{_digest(media)}.difference.json")
    found = await deps.renditions.difference(
        key, partial(local_original, media, deps), partial(local_watermark, media, deps)
    )
    return Response(found, media_type="application/json", headers=_FOR_EVER)


@router.post(
    "/preview",
    openapi_extra=FORM,
    response_class=Response,
    responses={200: _WEBP, **answers(*REFUSALS, LogoUnavailable, UnknownProfile, Overloaded)},
)
async def preview(
    request: Request,
    profile: Annotated[
        str | None, Query(description="Name of the profile to watermark with.")
    ] = None,
) -> Response:
    """Watermark a picture without keeping it; the answer is a WebP."""
    deps = dependencies_of(request)
    deps.renditions.check_room()
    async with receive_picture(request, deps, profile) as new:
        tokens = {"filename": new.filename, "date": f"{date.today():%Y-%m-%d}", "id": ""}
        shown = await deps.renditions.preview(new.original.path, new.profile, tokens)
    return Response(shown, media_type="image/webp", headers={"Cache-Control": "no-store"})


def _webp(picture: bytes) -> Response:
    headers = file_headers("thumbnail.webp") | _FOR_EVER
    return Response(picture, media_type="image/webp", headers=headers)


def _digest(media: Media) -> str:
    if media.progress.receipt:
        return media.progress.receipt.sha256[:16]
    if media.progress.watermarked:
        return media.progress.watermarked.sha256[:16]
    raise not_watermarked(media)
