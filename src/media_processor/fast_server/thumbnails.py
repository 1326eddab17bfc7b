"""``GET /media/{id}/thumbnail`` and the like: what a browser shows of a picture."""

import asyncio
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
from media_processor.fast_server.dependencies import Deps, FoundMedia, dependencies_of
from media_processor.fast_server.media_files import (
    local_original,
    local_watermark,
    not_watermarked,
)
from media_processor.fast_server.renditions import Key, Side
from media_processor.fast_server.uploads import FORM, REFUSALS, checked, chosen_profile
from media_processor.http.files import file_headers
from media_processor.http.multipart import receive_form
from media_processor.http.problems import answers
from media_processor.messages.fast_server import Difference
from media_processor.work.media import Media

router = APIRouter()

# What is shown is never another picture: the key has its id and its digest.
_FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
WEBP: dict[str, object] = {"content": {"image/webp": {}}}


@router.get(
    "/media/{media_id}/thumbnail",
    response_class=Response,
    responses={
        200: WEBP,
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
    """The picture as it came or as it was watermarked, small, as WebP."""
    name, source = (
        ("original", local_original) if of == "original" else (_digest(media), local_watermark)
    )
    key = Key(media.record.id, f"{name}.{side}.webp")
    return webp(await deps.renditions.view(key, side, partial(source, media, deps)))


@router.get(
    "/media/{media_id}/difference",
    responses=answers(MediaNotFound, NotReadyYet, BrokenPicture, CentralUnavailable, Overloaded),
    response_model=Difference,
)
async def difference(media: FoundMedia, deps: Deps) -> Response:
    """Which blocks of the picture the watermarking changed."""
    key = Key(media.record.id, f"{_digest(media)}.difference.json")
    found = await deps.renditions.difference(
        key, partial(local_original, media, deps), partial(local_watermark, media, deps)
    )
    return Response(found, media_type="application/json", headers=_FOR_EVER)


@router.post(
    "/preview",
    openapi_extra=FORM,
    response_class=Response,
    responses={200: WEBP, **answers(*REFUSALS, LogoUnavailable, UnknownProfile, Overloaded)},
)
async def preview(
    request: Request,
    profile: Annotated[str | None, Query(description="How the picture is watermarked.")] = None,
) -> Response:
    """The picture as it would be watermarked, as WebP. Nothing is kept."""
    deps = dependencies_of(request)
    deps.renditions.check_room()
    limit = deps.settings.max_upload_bytes
    announced = min(int(request.headers.get("content-length", "0")), limit)
    with deps.backpressure.admitted(announced):
        async with receive_form(request, deps.spool.storage, max_file_bytes=limit) as form:
            chosen = chosen_profile(form, profile)
            limits = deps.settings.picture_limits
            new = await asyncio.to_thread(checked, form, deps.profiles, chosen, limits)
            tokens = {"filename": new.filename, "date": f"{date.today():%Y-%m-%d}", "id": ""}
            shown = await deps.renditions.preview(new.original.path, new.profile, tokens)
    return Response(shown, media_type="image/webp", headers={"Cache-Control": "no-store"})


def webp(picture: bytes) -> Response:
    """An answer that a browser may keep."""
    headers = file_headers("thumbnail.webp") | _FOR_EVER
    return Response(picture, media_type="image/webp", headers=headers)


def _digest(media: Media) -> str:
    """Names the watermarked picture; raises NotReadyYet."""
    if media.progress.receipt:
        return media.progress.receipt.sha256[:16]
    if media.progress.watermarked:
        return media.progress.watermarked.sha256[:16]
    raise not_watermarked(media)
