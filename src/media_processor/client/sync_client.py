"""The client for programs without an event loop: each method runs that of the asynchronous one."""

from collections.abc import Callable, Generator
from pathlib import Path
from types import TracebackType
from typing import Self

from media_processor.addresses import FAST_SERVER
from media_processor.client.async_client import AsyncClient, AsyncMedia
from media_processor.client.background_loop import BackgroundLoop
from media_processor.client.multipart import Sendable
from media_processor.client.requests import Day
from media_processor.client.retries import OnWait
from media_processor.messages.archive import ArchiveSort, StoredMedia
from media_processor.messages.base import Readiness
from media_processor.messages.fast_server import ProfileSummary, QueueReport
from media_processor.messages.media import AcceptedMedia, MediaStatus, Status


class Client:
    """A fast server, by its address.

    ``patience`` is how many seconds the server may be away before ``ServerUnreachable`` is
    raised; 0 means no retries. ``on_wait`` is called with a
    ``Wait`` before each pause. Several threads may share one; callbacks are called in the
    client's own thread, and can't use the client.

    >>> with Client("http://127.0.0.1:8000") as client:
    ...     media = client.upload("photo.jpg")
    ...     status = media.wait(timeout=60)
    ...     print(status.status, status.filename)
    ...     print(media.download("watermarked"))
    stored photo.jpg
    watermarked/watermarked_photo.jpg
    """

    def __init__(
        self,
        url: str = FAST_SERVER,
        *,
        patience: float = 30.0,
        on_wait: OnWait | None = None,
    ) -> None:
        self._client = AsyncClient(url, patience=patience, on_wait=on_wait)
        self._loop = BackgroundLoop(self._client.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._client).replace("Async", "", 1)

    def close(self) -> None:
        self._loop.close()

    def upload(
        self,
        picture: Sendable,
        *,
        filename: str | None = None,
        profile: str = "default",
        idempotency_key: str | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> "Media":
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
        sending = self._client.upload(
            picture,
            filename=filename,
            profile=profile,
            idempotency_key=idempotency_key,
            on_progress=on_progress,
        )
        return Media(self._loop, self._loop.run(sending))

    def media(self, media_id: str) -> "Media":
        """Raises MediaNotFound if the server doesn't know it."""
        return Media(self._loop, self._loop.run(self._client.media(media_id)))

    def list(self, *, status: Status | None = None) -> Generator["Media"]:
        """Every picture on the server, newest first, or only those with this ``status``."""
        for media in self._loop.iterate(self._client.list(status=status)):
            yield Media(self._loop, media)

    def archive(
        self,
        *,
        name: str | None = None,
        worker: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        sort: ArchiveSort = "newest",
    ) -> Generator[StoredMedia]:
        """The pictures in the archive that match all filters.

        ``name`` and ``worker`` match parts of the file's and the worker's name; ``since`` and
        ``until`` limit when it was stored, in UTC unless they have a time zone.

        Raises:
            CentralUnavailable: the central server can't be reached.
        """
        items = self._client.archive(name=name, worker=worker, since=since, until=until, sort=sort)
        return self._loop.iterate(items)

    def download_stored(self, media_id: str, to: Path | str | None = None) -> Path | bytes:
        """Download a picture from the archive; ``to`` is as for ``Media.download``."""
        return self._loop.run(self._client.download_stored(media_id, to))

    def profiles(self) -> tuple[ProfileSummary, ...]:
        return self._loop.run(self._client.profiles())

    def queue(self) -> QueueReport:
        return self._loop.run(self._client.queue())

    def ready(self) -> Readiness:
        """The server's checks of what it needs; a failed one is in the result, not raised."""
        return self._loop.run(self._client.ready())


class Media:
    """A picture the server has accepted. Made by a ``Client``, and usable while that is
    open."""

    def __init__(self, loop: BackgroundLoop, media: AsyncMedia) -> None:
        self._loop = loop
        self._media = media

    def __repr__(self) -> str:
        return repr(self._media).replace("Async", "", 1)

    @property
    def id(self) -> str:
        return self._media.id

    @property
    def filename(self) -> str:
        return self._media.filename

    @property
    def status(self) -> Status:
        """The last known status; ``refresh``, ``follow`` and ``wait`` update it."""
        return self._media.status

    @property
    def details(self) -> MediaStatus | AcceptedMedia:
        """All that is known; right after ``upload`` less than a ``MediaStatus``."""
        return self._media.details

    def refresh(self) -> MediaStatus:
        return self._loop.run(self._media.refresh())

    def follow(self) -> Generator[MediaStatus]:
        """The status now and at each change until it is stored or failed.

        A broken connection is resumed. To stop early, close the generator: ``contextlib.closing``.

        Raises:
            ServerUnreachable: the server was away for longer than the client's patience.
        """
        return self._loop.iterate(self._media.follow())

    def wait(self, timeout: float | None = None) -> MediaStatus:
        """Wait until it is stored, for at most ``timeout`` seconds.

        Raises:
            TimeoutError: it isn't stored yet; the work goes on.
            MediaProcessorError: it failed, with the error of the reason's code, such as
                ``BrokenPicture``; or the server can't be reached.
        """
        return self._loop.run(self._media.wait(timeout))

    def download(self, to: Path | str | None = None, *, original: bool = False) -> Path | bytes:
        """The watermarked picture, or the ``original``.

        ``to`` is a file, or a folder in which the file gets the server's name. A path that
        doesn't exist and has no extension is created as a folder. The file appears only when it
        is complete, and replaces an existing one. Without ``to`` the bytes are returned.

        Raises:
            NotReadyYet: it isn't watermarked yet; ``wait`` for it.
            OSError: it can't be written there.
        """
        return self._loop.run(self._media.download(to, original=original))

    def retry(self) -> MediaStatus:
        """Process a failed picture again.

        Raises:
            NotFailed: it is stored or being worked on.
        """
        return self._loop.run(self._media.retry())
