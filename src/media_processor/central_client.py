"""HTTP client of the central server: delivers pictures, reads the archive and its log."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from pydantic import ValidationError

from media_processor.errors import (
    CentralRefused,
    CentralUnavailable,
    DigestMismatch,
    InvalidField,
    MediaConflict,
    MediaNotFound,
    StorageFull,
)
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
from media_processor.messages.base import Message, Problem
from media_processor.messages.media import Receipt

# A proxy must not compress what the fast server passes on byte for byte.
_UNCOMPRESSED = {"Accept-Encoding": "identity"}

# Fail once all connections have been busy this long: readers of pictures are stuck.
_POOL_SECONDS = 5.0

# Request timeout, too early, too many requests.
_RETRYABLE = {408, 425, 429}


_Answer = TypeVar("_Answer", bound=Message)


class CentralClient:
    """Kept-alive connections to the central server at ``url`` (its /upload-final).

    A method that returns the server's data raises CentralUnavailable if it can't get it.
    """

    def __init__(self, url: str, *, timeout: float, connections: int) -> None:
        self._url = httpx2.URL(url)
        self._timeout = timeout
        self._http = _pool(self._url, timeout, connections)
        # A slow reader of a picture occupies a connection; it must not keep out the witness.
        self._files = _pool(self._url, timeout, connections)

    async def close(self) -> None:
        await self._http.aclose()
        await self._files.aclose()

    def link(self, media_id: str) -> str:
        return str(self._url.join(f"media/{media_id}/file"))

    async def deliver(
        self, picture: Path, filename: str, content_type: str, fields: DeliveryFields
    ) -> Receipt:
        """Send one picture, once; return its receipt.

        Raises:
            CentralUnavailable: try again later.
            CentralRefused: the same request would be refused again.
            MediaConflict: the archive has other bytes under this media_id.
            StorageFull: the central server's disk is full.
            DigestMismatch: the bytes were damaged here or on the way.
        """
        try:
            with _LargeReads(picture) as file:
                async with asyncio.timeout(self._timeout):
                    answer = await self._http.post(
                        self._url,
                        data=fields.model_dump(exclude_none=True),
                        files={"file": (filename, file, content_type)},
                    )
        except TimeoutError:
            raise CentralUnavailable(
                f"The central server didn't answer within {self._timeout:g} s."
            ) from None
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None
        return _receipt(answer)

    async def look_up(self, media_id: str) -> StoredMedia | None:
        """What the archive has under this id: nothing, perhaps as the server can't say.

        Raises:
            CentralUnavailable: there was no answer.
        """
        try:
            answer = await self._http.get(self._url.join(f"media/{media_id}"))
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None
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
        return answer.status_code < 500

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
        self, kind: type[_Answer], path: str, params: dict[str, Any] | None = None
    ) -> _Answer:
        try:
            answer = await self._http.get(self._url.join(path), params=params)
        except httpx2.HTTPError as error:
            raise _unreachable(error) from None
        if answer.status_code == 200:
            return _read(kind, answer)
        code, reason = _problem(answer)
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
            raise _unreachable(error) from None


class _LargeReads(FileIO):
    """A file that is read a megabyte at a time, whatever size is requested.

    httpx2 requests 64 KiB, and each chunk costs a pass through its layers: at 4.8 MB that was
    half the time of sending.
    """

    def read(self, size: int | None = -1, /) -> bytes:  # noqa: ARG002
        return super().read(1024 * 1024)


def _pool(url: httpx2.URL, timeout: float, connections: int) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        # Reading the system's certificates takes 30 ms; over http none is ever shown.
        verify=url.scheme == "https",
        # What is verified is the scheme of ``url``, so no answer may lead elsewhere.
        follow_redirects=False,
        timeout=httpx2.Timeout(timeout, pool=_POOL_SECONDS),
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
    )


def _unreachable(error: Exception) -> CentralUnavailable:
    return CentralUnavailable(f"The central server can't be reached ({type(error).__name__}).")


def _read(kind: type[_Answer], answer: httpx2.Response) -> _Answer:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        raise CentralUnavailable("The central server sent an invalid response.") from None


def _receipt(answer: httpx2.Response) -> Receipt:
    status = answer.status_code
    if status in (200, 201):
        try:
            return Receipt.model_validate_json(answer.content)
        except ValidationError:
            raise CentralUnavailable("The central server sent an invalid receipt.") from None
    code, reason = _problem(answer)
    detail = f"The central server answered {status}: {reason}"
    for kind in (DigestMismatch, MediaConflict, StorageFull):
        if code == kind.code:
            raise kind(detail)
    if not 400 <= status < 500 or status in _RETRYABLE:
        raise CentralUnavailable(detail)
    raise CentralRefused(detail)


def _problem(answer: httpx2.Response) -> tuple[str, str]:
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return "", answer.reason_phrase or "no reason given"
    return problem.code, problem.detail[:500]
