"""Where a media's files lie now, and how to get at them: in the spool, or in the archive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from fastapi.responses import Response

from media_processor.errors import MediaNotFound, MediaProcessorError, NotReadyYet
from media_processor.fast_server.archive_proxy import proxy_response
from media_processor.fast_server.dependencies import Dependencies
from media_processor.fast_server.renditions import Vanished
from media_processor.filenames import watermarked_filename
from media_processor.http.files import PictureFile, file_headers
from media_processor.storage.disk_errors import disk_errors
from media_processor.threads import in_thread
from media_processor.work.media import Media

_PIECE = 1 << 20


# ── as answers ───────────────────────────────────────────────────────────────────


def original_answer(media: Media, deps: Dependencies) -> PictureFile:
    record = media.record
    try:
        file = deps.spool.open_original(record)
    except FileNotFoundError:
        raise _no_original() from None
    return PictureFile(
        file, filename=record.filename, content_type=record.content_type, sha256=record.sha256
    )


@asynccontextmanager
async def watermark_answer(
    media: Media, deps: Dependencies, conditions: dict[str, str]
) -> AsyncIterator[Response]:
    """The watermarked picture as an answer, to be sent while the context lasts.

    Raises:
        NotReadyYet, MediaNotFound, CentralUnavailable: it can't be had now, or not at all.
    """
    if media.status != "stored":
        if answer := await asyncio.to_thread(_spooled_answer, media, deps):
            yield answer
            return
        media = await _stored(media, deps)
    filename, content_type = _watermarked_as(media)
    own = {**file_headers(filename), "Content-Type": content_type}
    async with deps.central.fetch(media.record.id, conditions) as fetched:
        yield proxy_response(fetched, own)


def _spooled_answer(media: Media, deps: Dependencies) -> PictureFile | None:
    made = media.progress.watermarked
    if made is None or not deps.spool.is_watermarked(media):
        return None
    try:
        file = deps.spool.open_watermark(media.record.id)
    except FileNotFoundError:
        return None
    filename, content_type = _watermarked_as(media)
    return PictureFile(file, filename=filename, content_type=content_type, sha256=made.sha256)


def _watermarked_as(media: Media) -> tuple[str, str]:
    record, made = media.record, media.progress.watermarked
    name = watermarked_filename(record.filename, made.extension if made else None)
    return name, made.content_type if made else record.content_type


# ── as local files ───────────────────────────────────────────────────────────────


@asynccontextmanager
async def local_original(media: Media, deps: Dependencies) -> AsyncIterator[Path]:
    """The original as a local file, while the context lasts.

    Raises:
        MediaNotFound: it isn't kept.
        Vanished: it was removed while it was worked on.
    """
    async with _spooled(deps.spool.local_original(media.record), _no_original()) as path:
        yield path


@asynccontextmanager
async def local_watermark(media: Media, deps: Dependencies) -> AsyncIterator[Path]:
    """The watermarked picture as a local file, while the context lasts.

    Raises:
        NotReadyYet, MediaNotFound, CentralUnavailable: it can't be had now, or not at all.
        Vanished: it was removed from the spool while it was worked on; it is in the archive.
    """
    media_id = media.record.id
    media = await asyncio.to_thread(deps.spool.find, media_id)
    if await asyncio.to_thread(deps.spool.is_watermarked, media):
        async with _spooled(deps.spool.local_watermark(media_id), Vanished()) as path:
            yield path
    else:
        await _stored(media, deps)
        async with archived_file(media_id, deps) as path:
            yield path


@asynccontextmanager
async def archived_file(media_id: str, deps: Dependencies) -> AsyncIterator[Path]:
    """A stored picture as a local file, while the context lasts.

    Raises:
        MediaNotFound, CentralUnavailable: the archive doesn't have it, or can't be asked now.
    """
    with deps.renditions.scratch() as path:
        async with deps.central.fetch(media_id) as answer:
            with disk_errors(), await asyncio.to_thread(path.open, "wb") as file:
                async for piece in answer.aiter_bytes(_PIECE):
                    await asyncio.to_thread(file.write, piece)
        yield path


@asynccontextmanager
async def _spooled(copy: AbstractContextManager[Path], absent: Exception) -> AsyncIterator[Path]:
    # The file is swept away when its picture is stored, whoever reads it.
    async with AsyncExitStack() as stack:
        try:
            path = await stack.enter_async_context(in_thread(copy))
        except FileNotFoundError:
            raise absent from None
        try:
            yield path
        except MediaProcessorError as error:
            if await asyncio.to_thread(path.exists):
                raise
            raise Vanished from error


# ── when there is none ───────────────────────────────────────────────────────────


def not_watermarked(media: Media) -> NotReadyYet:
    if media.status == "failed" and media.progress.error:
        return NotReadyYet(
            f"The picture failed, so there is no watermarked version: {media.progress.error.detail}"
        )
    return NotReadyYet("The picture isn't watermarked yet. Try again once its status is 'stored'.")


def _no_original() -> MediaNotFound:
    return MediaNotFound("The original is no longer kept on this server.")


async def _stored(media: Media, deps: Dependencies) -> Media:
    # It may have got into the archive since we looked.
    media = await asyncio.to_thread(deps.spool.find, media.record.id)
    if media.status != "stored":
        raise not_watermarked(media)
    return media
