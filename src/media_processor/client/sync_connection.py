"""Carries out calls and blocks. What it does stands in the shared files; the same for an event
loop is ``async_connection.py``."""

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import httpx2

from media_processor.client import requests
from media_processor.client.downloads import PIECE, Download
from media_processor.client.events import Watch
from media_processor.client.multipart import Form
from media_processor.client.requests import LIMITS, SILENCE, TIMEOUT, Call, checked_url
from media_processor.client.responses import M, parsed
from media_processor.client.retries import Deadline, OnWait, Tries
from media_processor.messages.media import MediaStatus

T = TypeVar("T")
Read = Callable[[httpx2.Response], T]
Body = Callable[[], Iterator[bytes]]

# How late a deadline may be noticed, in seconds; each time it would be later the stream is
# opened anew with what time is left.
_LATE = 0.25

_NONE = Deadline(None)


class Connection:
    """A pool of connections to one fast server."""

    def __init__(self, url: str, patience: float, on_wait: OnWait | None = None) -> None:
        self.url = checked_url(url)
        self._patience, self._on_wait = patience, on_wait
        self._http = httpx2.Client(base_url=self.url, timeout=TIMEOUT, limits=LIMITS)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def message(
        self,
        call: Call,
        kind: type[M],
        body: Body | None = None,
    ) -> M:
        """The message that answers ``call``."""
        return parsed(kind, self._ask(call, _whole, body))

    def download(self, call: Call, to: Path | str | None) -> Path | bytes:
        """The file that answers ``call``, as ``Download`` makes it."""

        def save(answer: httpx2.Response) -> Path | bytes:
            download = Download(to, answer)
            try:
                for piece in answer.iter_bytes(PIECE):
                    download.write(piece)
                return download.finish()
            finally:
                download.drop()

        return self._ask(call, save)

    def changes(self, media_id: str, deadline: Deadline) -> Generator[MediaStatus]:
        """The changes of a media until it is stored or failed, or ``deadline`` is over."""
        call = requests.events(media_id)
        watch, tries = Watch(), self._tries(call)
        while not (watch.is_over or deadline.is_over):
            silence = deadline.within(SILENCE)
            try:
                with self._http.stream(
                    call.method, call.path, headers=watch.headers(), timeout=silence
                ) as answer:
                    if not call.is_answered_by(answer):
                        answer.read()
                        seconds = tries.refused(answer)
                    else:
                        watch.begin(answer)
                        tries.answered()
                        seconds = tries.cut_off()
                        for text in answer.iter_text():
                            for status in watch.feed(text):
                                tries.went_well()
                                yield status
                            if watch.is_over:
                                return
                            if deadline.is_over or deadline.within(SILENCE) < silence - _LATE:
                                seconds = 0
                                watch.left()
                                break
            except httpx2.RequestError as error:
                if deadline.is_over:  # it was cut short by us, which says nothing of the server
                    return
                seconds = tries.without_answer(error)
            time.sleep(deadline.within(seconds))
            if watch.must_ask and (asked := self._status(media_id, deadline)):
                for news in watch.learn(asked):
                    tries.went_well()
                    yield news

    def _status(self, media_id: str, deadline: Deadline) -> MediaStatus | None:
        """None if ``deadline`` was over before it came."""

        def read(answer: httpx2.Response) -> httpx2.Response:
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if deadline.is_over:
                    raise TimeoutError
            return httpx2.Response(answer.status_code, content=bytes(content))

        try:
            answer = self._ask(requests.media(media_id), read, deadline=deadline)
        except TimeoutError:
            return None
        return parsed(MediaStatus, answer)

    def _tries(self, call: Call) -> Tries:
        return Tries(call, self.url, self._patience, self._on_wait)

    def _ask(
        self,
        call: Call,
        read: Read[T],
        body: Body | None = None,
        deadline: Deadline = _NONE,
    ) -> T:
        """What ``read`` makes of the answer to ``call``.

        Raises:
            TimeoutError: ``deadline`` is over.
        """
        tries = self._tries(call)
        while not deadline.is_over:
            try:
                with self._http.stream(
                    call.method,
                    call.path,
                    params=call.params,
                    headers=call.headers,
                    content=body() if body else None,
                    timeout=deadline.within(TIMEOUT),
                ) as answer:
                    if call.is_answered_by(answer):
                        return read(answer)
                    answer.read()
                    seconds = tries.refused(answer)
            except httpx2.RequestError as error:
                if deadline.is_over:  # it was cut short by us
                    break
                seconds = tries.without_answer(error)
            time.sleep(deadline.within(seconds))
        raise TimeoutError


def pieces(form: Form, on_progress: Callable[[int], None] | None) -> Iterator[bytes]:
    """The form's body."""
    for piece, sent in form.pieces():
        yield piece
        if on_progress:
            on_progress(sent)


def _whole(answer: httpx2.Response) -> httpx2.Response:
    answer.read()
    return answer
