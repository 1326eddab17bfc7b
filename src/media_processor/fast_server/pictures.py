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
from media_processor.fast_server.parts import Parts, PartsOf, parts_of
from media_processor.fast_server.renditions import Key, Side, Vanished
from media_processor.fast_server.status import FoundMedia, not_branded
from media_processor.fast_server.uploads import FORM, REFUSALS, checked, chosen_profile
from media_processor.http.files import file_headers
from media_processor.http.multipart import receive_form
from media_processor.http.problems import answers
from media_processor.media.facts import Limits
from media_processor.messages.gateway import Difference
from media_processor.spool import Media
from media_processor.storage.local import telling_disk_faults

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
    parts: PartsOf,
    of: Literal["original", "watermarked"] = "watermarked",
    side: Side = Side.THUMBNAIL,
) -> Response:
    """The picture as it came or as it was branded, small, as WebP."""
    name, source = ("original", _original) if of == "original" else (_digest(media), _watermarked)
    key = Key(media.record.id, f"{name}.{side}.webp")
    return webp(await parts.renditions.view(key, side, partial(source, media, parts)))


@router.get(
    "/media/{media_id}/difference",
    responses=answers(MediaNotFound, NotReadyYet, BrokenPicture, CentralUnavailable, Overloaded),
    response_model=Difference,
)
async def difference(media: FoundMedia, parts: PartsOf) -> Response:
    """Which blocks of the picture the branding changed."""
    key = Key(media.record.id, f"{_digest(media)}.difference.json")
    found = await parts.renditions.difference(
        key, partial(_original, media, parts), partial(_watermarked, media, parts)
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
    profile: Annotated[str | None, Query(description="How the picture is branded.")] = None,
) -> Response:
    """The picture as it would be branded, as WebP. Nothing is kept."""
    parts = parts_of(request)
    parts.renditions.check_room()
    limit = parts.settings.max_upload_bytes
    announced = min(int(request.headers.get("content-length", "0")), limit)
    with parts.pressure.admitted(announced):
        async with receive_form(request, parts.spool.storage, max_file_bytes=limit) as form:
            chosen = chosen_profile(form, profile)
            limits = Limits(**parts.settings.picture_limits)
            new = await asyncio.to_thread(checked, form, parts.profiles, chosen, limits)
            tokens = {"filename": new.filename, "date": f"{date.today():%Y-%m-%d}", "id": ""}
            shown = await parts.renditions.preview(new.path, new.profile, tokens)
    return Response(shown, media_type="image/webp", headers={"Cache-Control": "no-store"})


def webp(picture: bytes) -> Response:
    """An answer that a browser may keep."""
    headers = file_headers("thumbnail.webp") | _FOR_EVER
    return Response(picture, media_type="image/webp", headers=headers)


def _digest(media: Media) -> str:
    """Names the branded picture; raises NotReadyYet."""
    if media.progress.receipt:
        return media.progress.receipt.sha256[:16]
    if media.progress.watermarked:
        return media.progress.watermarked.sha256[:16]
    raise not_branded(media)


@asynccontextmanager
async def _original(media: Media, parts: Parts) -> AsyncIterator[Path]:
    path = parts.spool.original(media.record)
    if not await asyncio.to_thread(path.exists):
        raise MediaNotFound("The original is no longer kept here.")
    async with spooled(path) as original:
        yield original


@asynccontextmanager
async def _watermarked(media: Media, parts: Parts) -> AsyncIterator[Path]:
    """From the spool while it is there, then from the archive."""
    media = await asyncio.to_thread(parts.spool.find, media.record.id)
    path = await asyncio.to_thread(parts.spool.finished_watermark, media)
    if path:
        async with spooled(path) as branded:
            yield branded
    elif media.status == "stored":
        async with archived_file(media.record.id, parts) as fetched:
            yield fetched
    else:
        raise not_branded(media)


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
async def archived_file(media_id: str, parts: Parts) -> AsyncIterator[Path]:
    """A stored picture as a file of our own, while the context lasts."""
    with parts.renditions.scratch() as path:
        async with parts.central.fetch(media_id) as answer:
            with telling_disk_faults(), await asyncio.to_thread(path.open, "wb") as file:
                async for piece in answer.aiter_bytes(1 << 20):
                    await asyncio.to_thread(file.write, piece)
        yield path
