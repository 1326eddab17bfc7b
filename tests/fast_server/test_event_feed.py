"""``GET /events``: one stream that tells a page of everything, and outlives reconnects."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from media_processor.fast_server.event_feed import EventFeed
from media_processor.harness.waiting import wait_until
from media_processor.messages.fast_server import QueueReport
from tests.images.pictures import encoded, photo
from tests.system import IDLE, System
from tests.work.records import accept, spool_in, store

JPEG = encoded(photo((64, 48)), "JPEG")
_PAGES = 500


@dataclass(frozen=True)
class Event:
    name: str
    id: str | None
    data: Any


def parsed(block: str) -> Event | None:
    """None for a comment, which only keeps the stream open."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
    return Event(fields["event"], fields.get("id"), json.loads(fields["data"])) if fields else None


@contextmanager
def events(system: System, last_id: str | None = None) -> Iterator[Iterator[Event]]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with system.http.stream("GET", "/events", headers=headers) as answer:
        assert answer.status_code == 200

        def each() -> Iterator[Event]:
            text = ""
            for piece in answer.iter_text():
                *blocks, text = (text + piece).split("\n\n")
                yield from (event for block in blocks if (event := parsed(block)))

        yield each()


def until(stream: Iterator[Event], media_id: str, status: str) -> tuple[list[str], str]:
    told = []
    for event in stream:
        for change in event.data["changes"] if event.name == "media" else ():
            if change["id"] == media_id:
                told.append(change["status"])
                if change["status"] == status:
                    assert event.id
                    return told, event.id
    raise AssertionError("the stream ended")


def test_a_picture_is_told_of_from_its_acceptance_to_its_end(running: System) -> None:
    with events(running) as stream:
        assert next(stream) == Event("hello", None, {"resumed": False})
        media = running.upload(JPEG, "Möwe.jpg")
        told, _ = until(stream, media.id, "stored")

    order = ["queued", "watermarking", "uploading", "stored"]
    assert told == sorted(set(told), key=order.index)


def test_what_a_change_says(running: System) -> None:
    with events(running) as stream:
        next(stream)
        media = running.upload(JPEG, "Möwe.jpg")
        changes = (c for event in stream if event.name == "media" for c in event.data["changes"])
        change = next(c for c in changes if (c["id"], c["status"]) == (media.id, "stored"))

    stored = running.status(media.id).steps[-1]
    assert (change["filename"], change["worker"]) == ("Möwe.jpg", "worker-1")
    assert change["at"] == stored.model_dump(mode="json")["at"]


def test_a_page_that_comes_back_gets_what_it_missed(running: System) -> None:
    with events(running) as stream:
        next(stream)
        _, last_id = until(stream, running.upload(JPEG).id, "stored")
    missed = [running.wait_for(running.upload(JPEG).id, "stored").id for _ in range(3)]

    with events(running, last_id) as stream:
        assert next(stream).data == {"resumed": True}
        for media_id in missed:
            until(stream, media_id, "stored")
            break

    with events(running, last_id) as stream:
        next(stream)
        waiting = set(missed)
        while waiting:
            event = next(stream)
            if event.name == "media":
                waiting -= {c["id"] for c in event.data["changes"] if c["status"] == "stored"}


@pytest.mark.parametrize("last_id", ["", "nonsense", "0badcafe-3", "-1", "x-²"])
def test_an_id_that_means_nothing_here_is_told(running: System, last_id: str) -> None:
    async def hello() -> bytes:
        async with httpx2.AsyncClient(base_url=running.fast_url) as http:
            headers = {b"Last-Event-ID": last_id.encode()}
            async with http.stream("GET", "/events", headers=headers) as answer:
                async for piece in answer.aiter_bytes():
                    return piece
        return b""

    assert b'{"resumed":false}' in asyncio.run(hello())


def test_a_picture_that_comes_and_goes_between_two_looks_is_told_to_its_end(tmp_path: Path) -> None:
    """Its acceptance was heard of here; its end was announced while Redis was away."""
    spool = spool_in(tmp_path)
    feed = EventFeed(spool, asyncio.Event())
    assert not feed._moved(everything=True)
    media = accept(spool)
    assert [change.status for change in feed._changes({media.record.id})] == ["queued"]
    store(spool, media)

    changes = feed._changes(feed._moved(everything=False))

    assert [(change.id, change.status) for change in changes] == [(media.record.id, "stored")]


async def test_a_page_that_listens_is_told_of_a_new_beginning(tmp_path: Path) -> None:
    """Even if nothing has changed: what was missed isn't known."""
    feed, looks = EventFeed(spool_in(tmp_path), asyncio.Event()), iter(range(100))

    async def report() -> QueueReport:
        if next(looks) == 1:
            raise OSError("the second look fails")
        return IDLE

    watching = asyncio.create_task(feed.watch(report))
    async with asyncio.timeout(10), aclosing(feed.follow(None)) as events:
        told = [(await anext(events)).event for _ in range(4)]
    watching.cancel()
    assert told == ["hello", "queue", "hello", "queue"]


def test_the_queue_is_told_when_it_changes(running: System) -> None:
    with events(running) as stream:
        report = next(event for event in stream if event.name == "queue")

    assert report.data.keys() == running.queue().model_dump().keys()
    assert report.id is None
    assert {worker["name"] for worker in report.data["workers"]} == {"worker-1"}


def test_a_fast_server_that_stops_ends_its_streams_and_the_next_one_starts_anew(
    system: System,
) -> None:
    system.start_all()
    with events(system) as stream:
        next(stream)
        _, last_id = until(stream, system.upload(JPEG).id, "stored")
        system.processes["fast-server"].terminate()
        for _ in stream:
            pass
    system.processes["fast-server"].wait(15)
    system.restart("fast-server")
    system.wait_healthy()

    with events(system, last_id) as stream:
        assert next(stream).data == {"resumed": False}


def test_what_happens_while_redis_is_away_is_told(system: System) -> None:
    system.start_all()
    with events(system) as stream:
        next(stream)
        system.valkey.stop()
        media = system.upload(JPEG)
        until(stream, media.id, "queued")
        report = next(e for e in stream if e.name == "queue" and e.data["queues"] is None)
        assert report.data["unfinished"] == 1
        system.valkey.start()
        until(stream, media.id, "stored")


@asynccontextmanager
async def open_page(system: System) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", system.fast_port)
    writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        await asyncio.wait_for(reader.readuntil(b'{"resumed":false}'), 20)
        yield reader
    finally:
        writer.close()


async def test_five_hundred_open_pages_hear_of_every_picture(running: System) -> None:
    async with AsyncExitStack() as stack:
        pages = await asyncio.gather(
            *(stack.enter_async_context(open_page(running)) for _ in range(_PAGES))
        )
        media = await asyncio.to_thread(running.upload, JPEG)
        stored = f'"id":"{media.id}","filename":"photo.jpg","status":"stored"'.encode()
        await asyncio.gather(
            *(asyncio.wait_for(page.readuntil(stored), timeout=30) for page in pages)
        )

    wait_until(lambda: running.http.get("/health").status_code == 200, "it still serves")


@pytest.mark.slow
def test_a_redis_that_hangs_is_as_good_as_away(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    with events(system) as stream:
        next(stream)
        system.valkey.process.send_signal(signal.SIGSTOP)
        try:
            # Its socket would be waited for for 5 s.
            assert system.http.get("/queue", timeout=4).json()["queues"] is None
            until(stream, system.upload(JPEG).id, "queued")
        finally:
            system.valkey.process.send_signal(signal.SIGCONT)
