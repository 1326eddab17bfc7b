"""HTTP client of the central server: delivers pictures, reads the archive and its log."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from pydantic import ValidationError

from media_processor.central_client.answers import (
    UNKNOWN_HOST,
    Answer,
    problem_of,
    read,
    receipt_of,
    unreachable,
)
from media_processor.central_client.lines import Line, Lines
from media_processor.errors import CentralUnavailable, InvalidField, MediaNotFound
from media_processor.messages.archive import (
    ActivityPage,
    ArchiveQuery,
    Checkpoint,
    CheckpointPage,
    DeliveryFields,
    LogVerdict,
    StoredMedia,
    StoredPage,
)
from media_processor.messages.media import Receipt

# A proxy must not compress what the fast server passes on byte for byte.
_UNCOMPRESSED = {"Accept-Encoding": "identity"}

# Fail once all connections have been busy this long: readers of pictures are stuck.
_POOL_SECONDS = 5.0


class CentralClient:
    """Kept-alive connections to the central server at ``url`` (its /upload-final).

    A method that returns the server's data raises CentralUnavailable if it can't get it.
    """

    def __init__(self, url: str, *, timeout: float, connections: int) -> None:
        """``timeout`` is how many seconds a request may make no progress."""
        self._url = httpx2.URL(url)
        # Reading the system's certificates takes 30 ms; over http none is ever shown.
        verify = httpx2.create_ssl_context() if self._url.scheme == "https" else False
        self._http = _pool(verify, timeout, connections)
        # A slow reader of a picture occupies a connection; it must not keep out the witness.
        self._files = _pool(verify, timeout, connections)
        # A pool of one each, as only so it is known which connection a delivery takes.
        self._lines = Lines(lambda: Line(_pool(verify, timeout, 1), timeout), connections)

    async def close(self) -> None:
        await self._http.aclose()
        await self._files.aclose()
        await self._lines.close()

    def link(self, media_id: str) -> str:
        return str(self._url.join(f"media/{media_id}/file"))

    async def deliver(
        self, picture: Path, filename: str, content_type: str, fields: DeliveryFields
    ) -> Receipt:
        """Send one picture, once; return its receipt. Waits for its turn while the line is slow.

        Raises:
            CentralUnavailable: try again later.
            CentralRefused: the same request would be refused again.
            MediaConflict: the archive has other bytes under this media_id.
            StorageFull: the central server's disk is full.
            DigestMismatch: the bytes were damaged here or on the way.
        """
        form = fields.model_dump(exclude_none=True)
        try:
            async with self._lines.one() as line:
                answer = await line.send(self._url, form, picture, filename, content_type)
        except httpx2.HTTPError as error:
            raise unreachable(error) from None
        return receipt_of(answer)

    async def look_up(self, media_id: str) -> StoredMedia | None:
        """What the archive has under this id: nothing, perhaps as the server can't say.

        Raises:
            CentralUnavailable: there was no answer.
        """
        try:
            answer = await self._http.get(self._url.join(f"media/{media_id}"))
        except httpx2.HTTPError as error:
            raise unreachable(error) from None
        # An archive that only takes deliveries answers with an error, or with anything at all.
        if answer.status_code != 200:
            return None
        try:
            row = StoredMedia.model_validate_json(answer.content)
        except ValidationError:
            return None
        return row if row.media_id == media_id else None

    async def answers(self) -> bool:
        # A server without /ready (404) counts as able.
        try:
            answer = await self._http.get(self._url.join("ready"))
        except httpx2.HTTPError:
            return False
        return answer.status_code < 500 and answer.status_code != UNKNOWN_HOST

    async def stored(self, query: ArchiveQuery) -> StoredPage:
        """Raises InvalidField if the query's cursor is unknown."""
        params = query.model_dump(mode="json", exclude_none=True)
        return await self._get(StoredPage, "media", params)

    async def stored_one(self, media_id: str) -> StoredMedia:
        """Raises MediaNotFound."""
        return await self._get(StoredMedia, f"media/{media_id}")

    async def activity(self, limit: int) -> ActivityPage:
        return await self._get(ActivityPage, "activity", {"limit": limit})

    async def log_verdict(self) -> LogVerdict:
        return await self._get(LogVerdict, "audit")

    async def _get(
        self, kind: type[Answer], path: str, params: dict[str, Any] | None = None
    ) -> Answer:
        try:
            answer = await self._http.get(self._url.join(path), params=params)
        except httpx2.HTTPError as error:
            raise unreachable(error) from None
        if answer.status_code == 200:
            return read(kind, answer)
        code, reason = problem_of(answer)
        for error_kind in (MediaNotFound, InvalidField):
            if code == error_kind.code:
                raise error_kind(reason)
        raise CentralUnavailable(f"The central server answered {answer.status_code}: {reason}")

    async def checkpoints(self, after: int) -> tuple[Checkpoint, ...]:
        """Raises CentralUnavailable also if the server keeps none."""
        url = self._url.join("audit/checkpoints").copy_with(params={"after": after})
        try:
            answer = await self._http.get(url)
            answer.raise_for_status()
            return CheckpointPage.model_validate_json(answer.content).checkpoints
        except (httpx2.HTTPError, ValidationError) as error:
            raise CentralUnavailable(
                f"The central server returned no valid checkpoints ({type(error).__name__})."
            ) from None

    @asynccontextmanager
    async def fetch(
        self, media_id: str, conditions: Mapping[str, str] | None = None
    ) -> AsyncIterator[httpx2.Response]:
        """Stream a stored picture's file.

        ``conditions`` are headers such as ``Range``; with them the status may be 206, 304 or 416.

        Raises:
            MediaNotFound, CentralUnavailable
        """
        expected = (200, 206, 304, 416) if conditions else (200,)
        headers = {**_UNCOMPRESSED, **(conditions or {})}
        try:
            async with self._files.stream("GET", self.link(media_id), headers=headers) as answer:
                if answer.status_code == 404:
                    raise MediaNotFound("The central server has no picture with this id.")
                if answer.status_code not in expected:
                    raise CentralUnavailable(
                        f"The central server answered {answer.status_code} instead of the picture."
                    )
                yield answer
        except httpx2.HTTPError as error:
            raise unreachable(error) from None


def _pool(verify: ssl.SSLContext | bool, timeout: float, connections: int) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        verify=verify,
        # What is verified is the scheme of the first URL, so no answer may lead elsewhere.
        follow_redirects=False,
        timeout=httpx2.Timeout(timeout, pool=_POOL_SECONDS),
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
    )
