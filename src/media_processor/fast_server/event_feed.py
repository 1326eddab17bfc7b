"""Changes of all media: read from the spool once, sent to every listener."""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import suppress

from fastapi.sse import ServerSentEvent

from media_processor.errors import MediaNotFound, SpoolDamaged, StorageError
from media_processor.messages.base import Message
from media_processor.messages.fast_server import Hello, MediaChange, MediaChanges, QueueReport
from media_processor.work.media import Media
from media_processor.work.spool import Spool

log = logging.getLogger(__name__)

# Long enough to gather simultaneous changes into one event, short enough to look immediate.
_SEND_EVERY = 0.25
_LOOK_EVERY = 1.0
# Finds what was announced while Redis was unreachable.
_LOOK_AT_ALL_EVERY = 10.0
_LOOK_AT_MOST = 500
# Some minutes under load; a page that reconnects later reloads everything.
_REMEMBERED_EVENTS = 1000
_REMEMBERED_MEDIA = 20_000
# A fast server that restarts is back within a second or two; browsers would wait three.
_RECONNECT_MS = 1000
# The only page there is must find what it missed when it reconnects.
_LINGER = 60.0

Report = Callable[[], Awaitable[QueueReport]]


class EventFeed:
    """Reads the spool only while there are listeners."""

    def __init__(self, spool: Spool, stopping: asyncio.Event) -> None:
        self._spool = spool
        self._stopping = stopping
        self._listeners, self._left_at = 0, 0.0
        self._wanted, self._begun, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._noticed: set[str] = set()
        self._open: set[str] = set()
        self._sent: dict[str, tuple[str, str | None]] = {}
        self._run = ""
        self._number = 0
        self._events: deque[ServerSentEvent] = deque(maxlen=_REMEMBERED_EVENTS)
        self._report: QueueReport | None = None
        self._report_event: ServerSentEvent | None = None

    def notice(self, media_id: str) -> None:
        if self._begun.is_set():
            self._noticed.add(media_id)

    async def watch(self, report: Report) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self._begin()
                while self._is_wanted():
                    await self._look(report)
            except Exception:  # without it every page would stand still
                log.exception("❌ can't send changes to the page; retrying")
                await asyncio.sleep(_LOOK_EVERY)
            self._begun.clear()

    async def follow(self, last_id: str | None) -> AsyncGenerator[ServerSentEvent, None]:
        self._listeners += 1
        self._wanted.set()
        try:
            while not self._begun.is_set() and not self._stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._begun.wait(), _LOOK_EVERY)
            at, run, shown = self._place_of(last_id), self._run, None
            yield _hello(resumed=at is not None)
            at = self._number if at is None else at
            while not self._stopping.is_set():
                news = self._news
                if run != self._run or at < self._number - len(self._events):
                    at, run = self._number, self._run
                    yield _hello(resumed=False)
                events = list(self._events)[len(self._events) - (self._number - at) :]
                at = self._number
                for event in events:
                    yield event
                if self._report_event is not shown:
                    shown = self._report_event
                    if shown:
                        yield shown
                if news is self._news:
                    await news.wait()
        finally:
            self._listeners -= 1
            self._left_at = time.monotonic()

    def _place_of(self, last_id: str | None) -> int | None:
        # Only if all later events are still remembered.
        run, _, number = (last_id or "").rpartition("-")
        if run != self._run or not number.isascii() or not number.isdigit():
            return None
        oldest = self._number - len(self._events)
        return int(number) if oldest <= int(number) <= self._number else None

    def _is_wanted(self) -> bool:
        if self._listeners or time.monotonic() < self._left_at + _LINGER:
            return True
        self._wanted.clear()
        return False

    async def _begin(self) -> None:
        self._run, self._number = secrets.token_hex(4), 0
        self._events.clear()
        self._sent.clear()
        self._open = set(await asyncio.to_thread(self._spool.open_ids))
        self._noticed.clear()
        self._report = self._report_event = None
        self._begun.set()
        self._wake_listeners()  # listeners from before reload everything

    async def _look(self, report: Report) -> None:
        for tick in range(round(_LOOK_AT_ALL_EVERY / _SEND_EVERY)):
            noticed, self._noticed = self._noticed, set()
            if tick % round(_LOOK_EVERY / _SEND_EVERY) == 0:
                noticed |= await asyncio.to_thread(self._moved, everything=tick == 0)
                await self._send_report(await report())
            changes = await asyncio.to_thread(self._changes, noticed)
            if changes:
                self._number += 1
                event = _event("media", MediaChanges(changes=tuple(changes)), self._id)
                self._events.append(event)
            if changes or self._stopping.is_set():
                self._wake_listeners()
            await asyncio.sleep(_SEND_EVERY)

    async def _send_report(self, report: QueueReport) -> None:
        if report != self._report:
            self._report, self._report_event = report, _event("queue", report)
            self._wake_listeners()

    def _wake_listeners(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @property
    def _id(self) -> str:
        return f"{self._run}-{self._number}"

    def _moved(self, *, everything: bool) -> set[str]:
        ids = self._spool.open_ids()
        before, self._open = self._open, set(ids)
        return (before ^ self._open) | set(ids[:_LOOK_AT_MOST] if everything else ())

    def _changes(self, ids: Iterable[str]) -> list[MediaChange]:
        found = []
        for media_id in sorted(ids):
            try:
                media = self._spool.find(media_id)
            except (MediaNotFound, SpoolDamaged, StorageError):
                continue  # GET /media reports damage; the others are sent
            if media.place == "open":
                self._open.add(media_id)  # even if it is sent and gone between two reads
            now = (media.status, media.progress.worker)
            if self._sent.pop(media_id, None) != now:
                found.append(_change(media))
            self._sent[media_id] = now
        while len(self._sent) > _REMEMBERED_MEDIA:
            del self._sent[next(iter(self._sent))]
        return found


def _change(media: Media) -> MediaChange:
    record, steps = media.record, media.progress.steps
    return MediaChange(
        id=record.id,
        filename=record.filename,
        status=media.status,
        worker=media.progress.worker,
        at=steps[-1].at if steps else record.accepted_at,
    )


def _hello(*, resumed: bool) -> ServerSentEvent:
    event = _event("hello", Hello(resumed=resumed))
    return event.model_copy(update={"retry": _RECONNECT_MS})


def _event(name: str, data: Message, event_id: str | None = None) -> ServerSentEvent:
    # Encoded once, however many listen.
    return ServerSentEvent(event=name, id=event_id, raw_data=data.model_dump_json())
