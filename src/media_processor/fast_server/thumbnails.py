"""``GET /media/{id}/thumbnail`` and the like: what a browser shows of a picture."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from media_processor.errors import (
    BrokenPicture,
    CentralUnavailable,
    InvalidField,
    LogoUnavailable,
    MediaNotFound,
    MediaProcessorError,
    NotReadyYet,
    Overloaded,
    UnknownProfile,
)
from media_processor.fast_server.dependencies import Dependencies, Deps, dependencies_of
from media_processor.fast_server.renditions import Key, Side, Vanished
from media_processor.fast_server.status import FoundMedia, not_watermarked
from media_processor.fast_server.uploads import FORM, REFUSALS, checked, chosen_profile
from media_processor.http.files import file_headers
from media_processor.http.multipart import receive_form
from media_processor.http.problems import answers
from media_processor.messages.fast_server import Difference
from media_processor.storage.local import disk_errors
from media_processor.work.spool import Media

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
    name, source = ("original", _original) if of == "original" else (_digest(media), _watermarked)
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
        key, partial(_original, media, deps), partial(_watermarked, media, deps)
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
            shown = await deps.renditions.preview(new.path, new.profile, tokens)
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


@asynccontextmanager
async def _original(media: Media, deps: Dependencies) -> AsyncIterator[Path]:
    path = deps.spool.original(media.record)
    if not await asyncio.to_thread(path.exists):
        raise MediaNotFound("The original is no longer kept here.")
    async with spooled(path) as original:
        yield original


@asynccontextmanager
async def _watermarked(media: Media, deps: Dependencies) -> AsyncIterator[Path]:
    """From the spool while it is there, then from the archive."""
    media = await asyncio.to_thread(deps.spool.find, media.record.id)
    path = await asyncio.to_thread(deps.spool.finished_watermark, media)
    if path:
        async with spooled(path) as watermarked:
            yield watermarked
    elif media.status == "stored":
        async with archived_file(media.record.id, deps) as fetched:
            yield fetched
    else:
        raise not_watermarked(media)


@asynccontextmanager
async def spooled(path: Path) -> AsyncIterator[Path]:
    """A file that is swept away when its picture is stored, whoever reads it."""
    try:
        yield path
    except MediaProcessorError as error:
        if await asyncio.to_thread(path.exists):
            raise
        raise Vanished from error


@asynccontextmanager
async def archived_file(media_id: str, deps: Dependencies) -> AsyncIterator[Path]:
    """A stored picture as a file of our own, while the context lasts."""
    with deps.renditions.scratch() as path:
        async with deps.central.fetch(media_id) as answer:
            with disk_errors(), await asyncio.to_thread(path.open, "wb") as file:
                async for piece in answer.aiter_bytes(1 << 20):
                    await asyncio.to_thread(file.write, piece)
        yield path
