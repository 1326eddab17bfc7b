"""``GET /media/{id}/watermarked`` in the moment in which the picture leaves the spool."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from media_processor.central_client import CentralClient
from media_processor.fast_server import media
from media_processor.http.problems import add_problem_handlers
from media_processor.ids import day_folder
from media_processor.work.media import Media
from media_processor.work.spool import Spool
from tests.system import System
from tests.work.records import accept, store, watermark

WATERMARKED = b"watermarked" * 100


@pytest.fixture
def spool(system: System) -> Spool:
    return system.spool()


@pytest.fixture
async def fast_server(system: System, spool: Spool) -> AsyncIterator[httpx2.AsyncClient]:
    """The routes alone, in this process, so that a test can come between two steps of theirs."""
    system.start("central-server")
    system.wait_central()
    central = CentralClient(f"{system.central_url}/upload-final", timeout=5, connections=1)
    app = FastAPI()
    add_problem_handlers(app)
    app.include_router(media.router)

    async def with_parts(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"deps": SimpleNamespace(spool=spool, central=central)}
        await app(scope, receive, send)

    transport = httpx2.ASGITransport(with_parts, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://fast-server") as client:
        yield client
    await central.close()


def deliver(system: System, media: Media) -> None:
    answer = system.central.post(
        "/upload-final",
        data={"worker_name": "worker-1", "media_id": media.record.id},
        files={"file": ("watermarked_photo.jpg", WATERMARKED)},
    )
    assert answer.status_code == 201


def sweep(spool: Spool, media: Media) -> None:
    store(spool, media)
    spool.drop_watermark(media.record.id)


@pytest.mark.parametrize("moment", ["before it is found", "after it was found"])
async def test_a_picture_that_is_swept_away_comes_from_the_archive(
    system: System,
    spool: Spool,
    fast_server: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    media = watermark(spool, accept(spool), WATERMARKED)
    deliver(system, media)
    look = Spool.is_watermarked

    def look_and_sweep(spool: Spool, media: Media) -> bool:
        found = look(spool, media) if moment == "after it was found" else False
        sweep(spool, media)
        return found or look(spool, media)

    monkeypatch.setattr(Spool, "is_watermarked", look_and_sweep)

    answer = await fast_server.get(f"/media/{media.record.id}/watermarked")

    assert (answer.status_code, answer.content) == (200, WATERMARKED)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "watermarked_photo.jpg" in answer.headers["content-disposition"]


@pytest.mark.parametrize("which", ["original", "watermarked"])
async def test_a_file_that_is_removed_while_it_is_sent_is_sent_whole(
    spool: Spool, fast_server: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    media = watermark(spool, accept(spool, WATERMARKED), WATERMARKED)
    original = f"originals/{day_folder(media.record.id)}/{media.record.id}.jpg"
    answering = FileResponse.__call__

    async def remove_and_answer(
        response: FileResponse, scope: Scope, receive: Receive, send: Send
    ) -> None:
        spool.storage.delete(original)
        spool.drop_watermark(media.record.id)
        await answering(response, scope, receive, send)

    monkeypatch.setattr(FileResponse, "__call__", remove_and_answer)

    answer = await fast_server.get(f"/media/{media.record.id}/{which}")

    assert (answer.status_code, answer.content) == (200, WATERMARKED)


async def test_a_watermarked_picture_that_is_being_made_anew_is_not_ready(
    spool: Spool, fast_server: httpx2.AsyncClient
) -> None:
    media = watermark(spool, accept(spool), WATERMARKED)
    spool.drop_watermark(media.record.id)

    answer = await fast_server.get(f"/media/{media.record.id}/watermarked")

    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready_yet")


async def test_a_download_goes_on_when_the_picture_has_moved(
    system: System, spool: Spool, fast_server: httpx2.AsyncClient
) -> None:
    media = watermark(spool, accept(spool), WATERMARKED)
    path = f"/media/{media.record.id}/watermarked"
    here = await fast_server.get(path, headers={"Range": "bytes=0-99"})
    deliver(system, media)
    sweep(spool, media)

    there = await fast_server.get(
        path, headers={"Range": "bytes=100-", "If-Range": here.headers["etag"]}
    )

    assert (here.status_code, there.status_code) == (206, 206)
    assert here.content + there.content == WATERMARKED
