"""The client for programs with an event loop."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from media_processor.addresses import FAST_SERVER
from media_processor.client import requests
from media_processor.client.async_connection import AsyncConnection, pieces
from media_processor.client.multipart import Form, Picture, Sendable
from media_processor.client.requests import Day
from media_processor.client.responses import failure_of
from media_processor.client.retries import OnWait, wait_timed_out
from media_processor.messages.archive import ArchiveSort, StoredMedia, StoredPage
from media_processor.messages.base import Readiness
from media_processor.messages.fast_server import ProfileList, ProfileSummary, QueueReport
from media_processor.messages.media import AcceptedMedia, MediaPage, MediaStatus, Status


class AsyncClient:
    """A fast server, by its address; the asynchronous twin of ``Client``.

    ``patience`` is how many seconds the server may be away before ``ServerUnreachable`` is
    raised; 0 means no retries. ``on_wait`` is called with a
    ``Wait`` before each pause.

    >>> import asyncio
    >>> async def watermark(path: str) -> None:
    ...     async with AsyncClient("http://127.0.0.1:8000") as client:
    ...         media = await client.upload(path)
    ...         await media.wait(timeout=60)
    ...         print(await media.download("watermarked"))
    >>> asyncio.run(watermark("photo.jpg"))
    watermarked/watermarked_photo.jpg
    """

    def __init__(
        self,
        url: str = FAST_SERVER,
        *,
        patience: float = 30.0,
        on_wait: OnWait | None = None,
    ) -> None:
        self._connection = AsyncConnection(url, patience, on_wait)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncClient {self._connection.url}>"

    async def aclose(self) -> None:
        await self._connection.close()

    async def upload(
        self,
        picture: Sendable,
        *,
        filename: str | None = None,
        profile: str = "default",
        idempotency_key: str | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> "AsyncMedia":
        """Send a picture; once it returns, the picture is on the server's disk.

        If the connection breaks, it is sent again with the same idempotency key, so that it is
        never stored twice. Your own ``idempotency_key`` extends this to later calls. A file object
        is sent from its beginning and stays open; one that can't seek is copied to a temporary
        file first.

        ``on_progress`` is called with the number of bytes handed to the network so far; each
        attempt starts at 0.

        Raises:
            OSError, TypeError, ValueError: ``picture`` can't be sent; see docs/client.md.
            MediaProcessorError: the server refused it, or can't be reached.
        """
        source = await asyncio.to_thread(Picture, picture, filename)
        try:
            form = Form(source, profile)
            accepted = await self._connection.message(
                requests.upload(idempotency_key or str(uuid4()), form.headers),
                AcceptedMedia,
                lambda: pieces(form, on_progress),
            )
        finally:
            source.close()
        return AsyncMedia(self._connection, accepted)

    async def media(self, media_id: str) -> "AsyncMedia":
        """Raises MediaNotFound if the server doesn't know it."""
        details = await self._connection.message(requests.media(media_id), MediaStatus)
        return AsyncMedia(self._connection, details)

    async def list(self, *, status: Status | None = None) -> AsyncGenerator["AsyncMedia"]:
        """Every picture on the server, newest first, or only those with this ``status``."""
        cursor: str | None = None
        while True:
            call = requests.page_of_media(status, cursor)
            page = await self._connection.message(call, MediaPage)
            for details in page.items:
                yield AsyncMedia(self._connection, details)
            if (cursor := page.next) is None:
                return

    async def archive(
        self,
        *,
        name: str | None = None,
        worker: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        sort: ArchiveSort = "newest",
    ) -> AsyncGenerator[StoredMedia]:
        """The pictures in the archive that match all filters.

        ``name`` and ``worker`` match parts of the file's and the worker's name; ``since`` and
        ``until`` limit when it was stored, in UTC unless they have a time zone.

        Raises:
            CentralUnavailable: the central server can't be reached.
        """
        cursor: str | None = None
        while True:
            call = requests.page_of_archive(name, worker, since, until, sort, cursor)
            page = await self._connection.message(call, StoredPage)
            for stored in page.items:
                yield stored
            if (cursor := page.next) is None:
                return

    async def download_stored(self, media_id: str, to: Path | str | None = None) -> Path | bytes:
        """Download a picture from the archive; ``to`` is as for ``AsyncMedia.download``."""
        return await self._connection.download(requests.stored_picture(media_id), to)

    async def profiles(self) -> tuple[ProfileSummary, ...]:
        return (await self._connection.message(requests.PROFILES, ProfileList)).profiles

    async def queue(self) -> QueueReport:
        return await self._connection.message(requests.QUEUE, QueueReport)

    async def ready(self) -> Readiness:
        """The server's checks of what it needs; a failed one is in the result, not raised."""
        return await self._connection.message(requests.READY, Readiness)


class AsyncMedia:
    """A picture the server has accepted. Made by an ``AsyncClient``, and usable while that is
    open."""

    def __init__(self, connection: AsyncConnection, details: AcceptedMedia) -> None:
        self._connection = connection
        self._details = details

    def __repr__(self) -> str:
        return f"<AsyncMedia {self.id} {self.filename!r} {self.status}>"

    @property
    def id(self) -> str:
        return self._details.id

    @property
    def filename(self) -> str:
        return self._details.filename

    @property
    def status(self) -> Status:
        """The last known status; ``refresh``, ``follow`` and ``wait`` update it."""
        return self._details.status

    @property
    def details(self) -> MediaStatus | AcceptedMedia:
        """All that is known; right after ``upload`` less than a ``MediaStatus``."""
        return self._details

    async def refresh(self) -> MediaStatus:
        return self._update(await self._connection.message(requests.media(self.id), MediaStatus))

    async def follow(self) -> AsyncGenerator[MediaStatus]:
        """The status now and at each change until it is stored or failed.

        A broken connection is resumed. To stop early, close the generator: ``contextlib.aclosing``.

        Raises:
            ServerUnreachable: the server was away for longer than the client's patience.
        """
        async with aclosing(self._connection.changes(self.id)) as changes:
            async for status in changes:
                yield self._update(status)

    async def wait(self, timeout: float | None = None) -> MediaStatus:  # noqa: ASYNC109
        """Wait until it is stored, for at most ``timeout`` seconds.

        Raises:
            TimeoutError: it isn't stored yet; the work goes on.
            MediaProcessorError: it failed, with the error of the reason's code, such as
                ``BrokenPicture``; or the server can't be reached.
        """
        try:
            async with asyncio.timeout(timeout), aclosing(self.follow()) as changes:
                async for status in changes:
                    if status.status == "failed":
                        raise failure_of(status)
                    if status.status == "stored":
                        return status
        except TimeoutError:
            pass
        raise wait_timed_out(self.filename, self.status, timeout)

    async def download(
        self, to: Path | str | None = None, *, original: bool = False
    ) -> Path | bytes:
        """The watermarked picture, or the ``original``.

        ``to`` is a file, or a folder in which the file gets the server's name. A path that
        doesn't exist and has no extension is created as a folder. The file appears only when it
        is complete, and replaces an existing one. Without ``to`` the bytes are returned.

        Raises:
            NotReadyYet: it isn't watermarked yet; ``wait`` for it.
            OSError: it can't be written there.
        """
        return await self._connection.download(requests.picture(self.id, original=original), to)

    async def retry(self) -> MediaStatus:
        """Process a failed picture again.

        Raises:
            NotFailed: it is stored or being worked on.
        """
        return self._update(await self._connection.message(requests.retry(self.id), MediaStatus))

    def _update(self, status: MediaStatus) -> MediaStatus:
        self._details = status
        return status
