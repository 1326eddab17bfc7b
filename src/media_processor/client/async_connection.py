"""Sends requests to the fast server, again where that helps, and reads what it returns."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import httpx2

from media_processor.client import requests
from media_processor.client.downloads import PIECE, Download
from media_processor.client.events import Watch
from media_processor.client.multipart import Form
from media_processor.client.requests import LIMITS, SILENCE, TIMEOUT, Call, checked_url
from media_processor.client.responses import M, parse
from media_processor.client.retries import OnWait, Retries
from media_processor.messages.media import MediaStatus

T = TypeVar("T")
Read = Callable[[httpx2.Response], Awaitable[T]]
Body = Callable[[], AsyncIterator[bytes]]


class AsyncConnection:
    """A pool of connections to one fast server."""

    def __init__(self, url: str, patience: float, on_wait: OnWait | None = None) -> None:
        self.url = checked_url(url)
        self._patience, self._on_wait = patience, on_wait
        self._http = httpx2.AsyncClient(base_url=self.url, timeout=TIMEOUT, limits=LIMITS)

    async def close(self) -> None:
        await self._http.aclose()

    async def message(
        self,
        call: Call,
        kind: type[M],
        body: Body | None = None,
    ) -> M:
        return parse(kind, await self._ask(call, _whole, body))

    async def download(self, call: Call, to: Path | str | None) -> Path | bytes:
        async def save(answer: httpx2.Response) -> Path | bytes:
            download = Download(to, answer)
            try:
                async for piece in answer.aiter_bytes(PIECE):
                    await asyncio.to_thread(download.write, piece)
                return await asyncio.to_thread(download.finish)
            finally:
                download.drop()

        return await self._ask(call, save)

    async def changes(self, media_id: str) -> AsyncGenerator[MediaStatus]:
        call = requests.events(media_id)
        watch, retries = Watch(), self._retries(call)
        while not watch.is_over:
            try:
                async with self._http.stream(
                    call.method, call.path, headers=watch.headers(), timeout=SILENCE
                ) as answer:
                    if not call.is_answered_by(answer):
                        await answer.aread()
                        seconds = retries.after_refusal(answer)
                    else:
                        watch.begin(answer)
                        retries.server_reached()
                        async for text in answer.aiter_text():
                            for status in watch.feed(text):
                                retries.reset()
                                yield status
                            if watch.is_over:
                                return
                        seconds = retries.after_stream_end()
            except httpx2.RequestError as error:
                seconds = retries.after_network_error(error)
            await asyncio.sleep(seconds)
            if watch.must_ask:
                status = await self.message(requests.media(media_id), MediaStatus)
                for news in watch.learn(status):
                    retries.reset()
                    yield news

    def _retries(self, call: Call) -> Retries:
        return Retries(call, self.url, self._patience, self._on_wait)

    async def _ask(
        self,
        call: Call,
        read: Read[T],
        body: Body | None = None,
    ) -> T:
        retries = self._retries(call)
        while True:
            try:
                async with self._http.stream(
                    call.method,
                    call.path,
                    params=call.params,
                    headers=call.headers,
                    content=body() if body else None,
                ) as answer:
                    if call.is_answered_by(answer):
                        return await read(answer)
                    await answer.aread()
                    seconds = retries.after_refusal(answer)
            except httpx2.RequestError as error:
                seconds = retries.after_network_error(error)
            await asyncio.sleep(seconds)


async def pieces(form: Form, on_progress: Callable[[int], None] | None) -> AsyncIterator[bytes]:
    # Files are read in a thread, but ``on_progress`` is called here.
    parts = form.pieces()
    while (part := await asyncio.to_thread(next, parts, None)) is not None:
        piece, sent = part
        yield piece
        if on_progress:
            on_progress(sent)


async def _whole(answer: httpx2.Response) -> httpx2.Response:
    await answer.aread()
    return answer
