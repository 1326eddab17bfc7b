"""Sends one picture to the fast server, never twice, and waits for it."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from media_processor.cli.options import connect
from media_processor.cli.upload.sent_log import SentLog
from media_processor.client import AsyncMedia, Wait
from media_processor.errors import (
    IdempotencyConflict,
    MediaNotFound,
    MediaProcessorError,
    Overloaded,
    ServerUnreachable,
    UnknownProfile,
)
from media_processor.messages.media import MediaStatus

OnProgress = Callable[[int], None]
OnWait = Callable[[Wait], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a file. ``status`` is the media's, or ``refused``, or ``unsent``;
    ``was_sent`` is false if the server had it before."""

    path: Path
    status: str
    media_id: str | None = None
    detail: str | None = None
    size: int = 0
    seconds: float = 0.0
    was_sent: bool = True

    @property
    def is_good(self) -> bool:
        return self.status not in ("refused", "failed", "unsent")

    def is_unfinished(self, *, wait: bool) -> bool:
        """Whether the command ended before it: not sent, or not stored though waited for."""
        if self.status == "unsent":
            return True
        return wait and self.status not in ("stored", "failed", "refused")


class Sender:
    """Sends pictures to one fast server, while the context lasts.

    ``patience`` is how many seconds the server may be away before ServerUnreachable is raised.
    """

    def __init__(
        self, url: str, *, profile: str, again: bool, patience: float, on_wait: OnWait
    ) -> None:
        self._profile, self._again = profile, again
        self._client = connect(url, patience=patience, on_wait=on_wait)
        self.sent_log = SentLog(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def check(self) -> None:
        """Whether the server is a fast server that has the profile.

        Raises:
            ServerUnreachable, ServerRefused, UnknownProfile
        """
        known = [profile.name for profile in await self._client.profiles()]
        if self._profile not in known:
            raise UnknownProfile(
                f"There is no profile {self._profile!r}. Known are: {', '.join(known)}."
            )

    async def send(self, path: Path, on_progress: OnProgress | None = None) -> Outcome:
        """Raises ServerUnreachable if the server was away for too long."""
        began = time.monotonic()
        try:
            size = path.stat().st_size
            key = await asyncio.to_thread(_key, path, self._profile)
            media, was_sent = await self._sent_before(key), False
            if media is None:
                media, was_sent = await self._sent(path, key, on_progress), True
        except (ServerUnreachable, UnknownProfile, Overloaded):
            raise
        except MediaProcessorError as error:
            return Outcome(path, "refused", detail=error.detail)
        except OSError as error:
            why = f"The file can't be read: {error.strerror or error}."
            return Outcome(path, "refused", detail=why)
        self.sent_log.keep(key, media.id)
        detail = _reason(media.details) if isinstance(media.details, MediaStatus) else None
        seconds = time.monotonic() - began
        return Outcome(path, media.status, media.id, detail, size, seconds, was_sent)

    async def finished(self, outcome: Outcome) -> Outcome:
        """Raises ServerUnreachable if the server was away for too long."""
        began = time.monotonic()
        last = outcome
        try:
            media = await self._client.media(outcome.media_id or "")
            async with aclosing(media.follow()) as changes:
                async for status in changes:
                    last = replace(outcome, status=status.status, detail=_reason(status))
        except (ServerUnreachable, Overloaded):
            raise
        except MediaProcessorError as error:
            last = replace(outcome, status="failed", detail=error.detail)
        return replace(last, seconds=outcome.seconds + time.monotonic() - began)

    async def _sent_before(self, key: str) -> AsyncMedia | None:
        known = None if self._again else self.sent_log.id_of(key)
        if known is None:
            return None
        try:
            return await self._client.media(known)
        except MediaNotFound:  # another server has its address now, or it began anew
            return None

    async def _sent(self, path: Path, key: str, on_progress: OnProgress | None) -> AsyncMedia:
        key = str(uuid4()) if self._again else key
        for once_more in (True, False):
            try:
                return await self._client.upload(
                    path,
                    filename=path.name.encode("utf-8", "replace").decode(),
                    profile=self._profile,
                    idempotency_key=key,
                    on_progress=on_progress,
                )
            except IdempotencyConflict:  # the file changed after its key was computed
                if not once_more:
                    raise
                key = str(uuid4())
        raise AssertionError("the second attempt returns or raises")


def _reason(media: MediaStatus) -> str | None:
    return media.error.detail if media.status == "failed" and media.error else None


def _key(path: Path, profile: str) -> str:
    # The same for the same bytes, name and profile.
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    name = path.name.encode("utf-8", "surrogateescape")
    return hashlib.sha256(b"\0".join((content.encode(), name, profile.encode()))).hexdigest()
