"""Reads server-sent events (HTML standard, 9.2.6) of one media; not ``GET /events``. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
from pydantic import ValidationError

from media_processor.errors import ServerRefused
from media_processor.messages.media import MediaStatus

FINAL = ("stored", "failed")


@dataclass(frozen=True)
class Event:
    """``id`` is that of this or, failing that, of an earlier event."""

    name: str
    data: str
    id: str


class EventReader:
    """Turns the text of one stream into events; an event that is cut off is dropped."""

    def __init__(self, last_id: str = "") -> None:
        self._rest = ""
        self._name, self._data, self._id = "", list[str](), last_id

    def feed(self, text: str) -> Iterator[Event]:
        text = self._rest + text
        # The second half of a line's end may still come.
        held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix(held).replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = text.split("\n")
        self._rest = rest + held
        for line in lines:
            if event := self._take(line):
                yield event

    def _take(self, line: str) -> Event | None:
        if not line:
            event = Event(self._name or "message", "\n".join(self._data), self._id)
            is_event = bool(self._data)
            self._name, self._data = "", []
            return event if is_event else None
        name, _, value = line.partition(":")  # a comment's name is empty
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        return None


class Watch:
    """Follows one media over as many streams as it takes.

    A proxy may open each stream and end it at once. So after a stream without news the client
    asks for the status itself.
    """

    def __init__(self) -> None:
        self._last: MediaStatus | None = None
        self._last_id = ""
        self._reader = EventReader()
        self._must_ask = False

    @property
    def is_over(self) -> bool:
        return self._last is not None and self._last.status in FINAL

    @property
    def must_ask(self) -> bool:
        """Whether a stream was opened since the last news, and brought none."""
        return self._must_ask

    def headers(self) -> dict[str, str]:
        resume = {"Last-Event-ID": self._last_id} if self._last_id else {}
        return {"Accept": "text/event-stream", "Cache-Control": "no-store", **resume}

    def begin(self, answer: httpx2.Response) -> None:
        if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise ServerRefused("The server didn't respond with an event stream.")
        self._reader = EventReader(self._last_id)
        self._must_ask = True

    def feed(self, text: str) -> Iterator[MediaStatus]:
        """A new stream may begin with a known status, which is skipped.

        Raises:
            ServerRefused: it can't be understood.
        """
        for event in self._reader.feed(text):
            self._last_id = event.id
            if event.name != "status":
                continue
            try:
                status = MediaStatus.model_validate_json(event.data)
            except ValidationError:
                raise ServerRefused("The server sent an invalid event.") from None
            yield from self.learn(status)

    def learn(self, status: MediaStatus) -> Iterator[MediaStatus]:
        if status != self._last:
            self._last = status
            self._must_ask = False
            yield status
