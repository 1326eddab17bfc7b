"""``HEAD`` of every route that has a ``GET``, on both servers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse
from fastapi.routing import iter_route_contexts
from fastapi.sse import EventSourceResponse, ServerSentEvent

from media_processor.http.head_requests import HeadRequests
from tests.http.apps import apps
from tests.images.pictures import encoded, photo
from tests.system import System

# They differ from answer to answer.
_OF_THE_MOMENT = {"date", "content-length", "transfer-encoding"}


def get_routes(folder: Path) -> list[tuple[str, str]]:
    return [
        (name, route.path)
        for name, app in apps(folder)
        for route in iter_route_contexts(app.routes)
        if route.path and "GET" in (route.methods or ())
    ] + [("fast", "/web/index.html"), ("fast", "/web/app.js"), ("central", "/docs/docs.js")]


def got(server: httpx2.Client, path: str) -> httpx2.Response:
    """Of an answer that never ends only the beginning."""
    with server.stream("GET", path) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
    return answer


def told(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in _OF_THE_MOMENT}


def test_every_route_answers_it_as_it_answers_get(running: System, tmp_path: Path) -> None:
    media = running.wait_for(running.upload(encoded(photo((64, 48)), "JPEG")).id, "stored")
    routes = get_routes(tmp_path)
    assert {("fast", "/events"), ("fast", "/"), ("central", "/media/{media_id}/file")} <= {*routes}
    for name, path in routes:
        server = running.http if name == "fast" else running.central
        path = path.replace("{media_id}", media.id).replace("{name}", "default")

        before, head, after = got(server, path), server.head(path), got(server, path)

        assert head.status_code == before.status_code < 400, path
        assert told(head) == told(before), path
        assert head.content == b"", path
        lengths = {answer.headers.get("content-length") for answer in (before, after)}
        if len(lengths) == 1:
            assert head.headers.get("content-length") in lengths, path


@pytest.mark.parametrize(
    ("path", "status"),
    [("/media/x", 404), ("/nothing", 404), ("/web/no.js", 404), ("/preview", 405)],
)
def test_an_error_is_told_without_its_body(running: System, path: str, status: int) -> None:
    answer = running.http.head(path)

    assert (answer.status_code, answer.content) == (status, b"")
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_allowed_is_told_with_it(running: System) -> None:
    answer = running.http.delete("/health")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_no_operation_is_described_twice(tmp_path: Path) -> None:
    for _, app in apps(tmp_path):
        assert not [path for path, item in app.openapi()["paths"].items() if "head" in item]


def test_who_asks_often_keeps_no_connection_to_the_archive(running: System) -> None:
    media = running.wait_for(running.upload(encoded(photo((64, 48)), "JPEG")).id, "stored")
    for _ in range(40):  # more than the fast server has
        assert running.http.head(f"/archive/{media.id}/file").status_code == 200

    assert running.http.get(f"/archive/{media.id}/file").status_code == 200
    assert "Traceback" not in running.log("fast-server")


@pytest.mark.parametrize("path", ["/stream", "/events"])
async def test_a_stream_is_ended_and_what_it_held_let_go(path: str) -> None:
    held = 0

    async def holding() -> AsyncIterator[None]:
        nonlocal held
        held += 1
        try:
            yield
        finally:
            held -= 1

    app = FastAPI(dependencies=[Depends(holding)])
    app.add_middleware(HeadRequests)

    async def for_ever() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(for_ever())

    @app.get("/events", response_class=EventSourceResponse)
    async def events(_: Annotated[None, Depends(holding)]) -> AsyncIterator[ServerSentEvent]:
        async for _piece in for_ever():
            yield ServerSentEvent(data="first")

    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
        async with asyncio.timeout(5):
            answer = await client.head(path)

    assert (answer.status_code, answer.content, held) == (200, b"", 0)
