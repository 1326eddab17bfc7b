"""What the command line uses until it has moved to ``AsyncClient``; then this file goes."""

import asyncio
import mimetypes
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
from pydantic import ValidationError

from media_processor.errors import ServerRefused, ServerUnreachable
from media_processor.messages import AcceptedMedia, ActivityPage, MediaPage, MediaStatus, Problem

# A server that restarts is back within seconds.
_PATIENCE = 30.0
# A server that has too much to do and says when to come back is worth more.
_PATIENCE_WHEN_TOLD = 900.0


class FastServer:
    """One fast server, by its base URL."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def upload(self, path: Path, profile: str) -> AcceptedMedia:
        """Send a picture; tries again while the server is away, without doubling it.

        Raises:
            ServerRefused, ServerUnreachable
        """
        key = str(uuid4())
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        give_up = time.monotonic() + _PATIENCE
        give_up_waiting = time.monotonic() + _PATIENCE_WHEN_TOLD
        while True:
            try:
                with path.open("rb") as file:
                    answer = await self._http.post(
                        "/media",
                        data={"profile": profile},
                        files={"file": (path.name, file, kind)},
                        headers={"Idempotency-Key": key},
                    )
            except httpx2.TransportError as error:
                if time.monotonic() > give_up or isinstance(error, httpx2.UnsupportedProtocol):
                    raise _unreachable(self._http, error) from None
                await asyncio.sleep(1)
                continue
            if (wait := _told_to_wait(answer)) and time.monotonic() + wait < give_up_waiting:
                await asyncio.sleep(wait)
                continue
            return AcceptedMedia.model_validate_json(_checked(answer))

    async def status(self, media_id: str) -> MediaStatus:
        """What became of a media."""
        return MediaStatus.model_validate_json(await self._answer("GET", f"/media/{media_id}"))

    async def failed(self) -> AsyncIterator[MediaStatus]:
        """Every media that failed, newest first."""
        cursor: str | None = None
        while True:
            params = {"status": "failed", "limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = MediaPage.model_validate_json(await self._answer("GET", "/media", params))
            for media in page.items:
                yield media
            if (cursor := page.next) is None:
                return

    async def retry(self, media_id: str) -> MediaStatus:
        """Have a failed media tried again."""
        answer = await self._answer("POST", f"/media/{media_id}/retry")
        return MediaStatus.model_validate_json(answer)

    async def _answer(self, verb: str, path: str, params: dict[str, str] | None = None) -> bytes:
        try:
            return _checked(await self._http.request(verb, path, params=params))
        except httpx2.TransportError as error:
            raise _unreachable(self._http, error) from None

    async def follow(self, media_id: str) -> AsyncIterator[MediaStatus]:
        """The status at each change until it is stored or failed; reconnects when cut off."""
        give_up = time.monotonic() + _PATIENCE
        while True:
            try:
                async for status in self._events(media_id):
                    give_up = time.monotonic() + _PATIENCE
                    yield status
                    if status.status in ("stored", "failed"):
                        return
            except httpx2.TransportError as error:
                if time.monotonic() > give_up:
                    raise _unreachable(self._http, error) from None
            await asyncio.sleep(0.5)

    async def _events(self, media_id: str) -> AsyncIterator[MediaStatus]:
        # The server sends a sign of life at least every 15 s.
        async with self._http.stream("GET", f"/media/{media_id}/events", timeout=30) as answer:
            if answer.status_code != 200:
                await answer.aread()
            _checked(answer)
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    yield MediaStatus.model_validate_json(line.removeprefix("data:").strip())


@asynccontextmanager
async def open_fast_server(url: str) -> AsyncIterator[FastServer]:
    """The fast server at ``url``, while the context lasts."""
    # Every picture that is followed holds a connection of its own.
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=8)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        yield FastServer(http)


async def activity(central_url: str, limit: int) -> ActivityPage:
    """The last lines of the central server's activity log, newest first."""
    async with httpx2.AsyncClient(base_url=central_url, timeout=15) as http:
        answer = await http.get("/activity", params={"limit": limit})
        return ActivityPage.model_validate_json(_checked(answer))


def _told_to_wait(answer: httpx2.Response) -> int | None:
    """Seconds after which an overloaded server wants to be asked again."""
    after = answer.headers.get("Retry-After", "")
    return int(after) if answer.status_code == 503 and after.isascii() and after.isdigit() else None


def _checked(answer: httpx2.Response) -> bytes:
    if answer.status_code < 400:
        return answer.content if answer.is_stream_consumed else b""
    try:
        detail = Problem.model_validate_json(answer.content).detail
    except ValidationError:
        detail = f"The server answered {answer.status_code}."
    raise ServerRefused(detail)


def _unreachable(http: httpx2.AsyncClient, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(
        f"{http.base_url} can't be reached ({type(error).__name__}). "
        "Is it running? 'media-processor up' starts everything."
    )
