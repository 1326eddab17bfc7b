"""What the central server's answers mean."""

from unittest.mock import patch

import httpx2
import pytest

from media_processor.central_client import CentralClient
from media_processor.central_client.answers import read, receipt_of
from media_processor.errors import (
    CentralRefused,
    CentralUnavailable,
    DigestMismatch,
    MediaConflict,
    MediaProcessorError,
    StorageFull,
)
from media_processor.http.problems import problem
from media_processor.ids import new_media_id, now
from media_processor.messages.archive import StoredMedia, StoredPage

OTHER = new_media_id()
STORED = (
    StoredMedia(
        media_id=OTHER,
        filename="watermarked_a.jpg",
        worker_name="worker-1",
        content_type="image/jpeg",
        stored_path="x",
        sha256="0" * 64,
        size=1,
        stored_at=now(),
    )
    .model_dump_json()
    .encode()
)


def answer(status: int, code: str) -> httpx2.Response:
    return httpx2.Response(status, content=problem(code, status, "t", "why").model_dump_json())


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "empty_file", CentralRefused),
        (404, "not_found", CentralRefused),
        (409, "media_conflict", MediaConflict),
        (408, "x", CentralUnavailable),
        (421, "unknown_host", CentralUnavailable),
        (425, "x", CentralUnavailable),
        (429, "x", CentralUnavailable),
        (422, "digest_mismatch", DigestMismatch),
        (500, "x", CentralUnavailable),
        (503, "x", CentralUnavailable),
        (507, "storage_full", StorageFull),
        (302, "x", CentralUnavailable),
    ],
)
def test_what_an_error_means(status: int, code: str, error: type[MediaProcessorError]) -> None:
    with pytest.raises(error, match="why"):
        receipt_of(answer(status, code))


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}"])
def test_a_success_without_a_receipt_is_none(content: bytes) -> None:
    with pytest.raises(CentralUnavailable):
        receipt_of(httpx2.Response(201, content=content))


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}"])
def test_an_answer_that_can_not_be_read_is_none(content: bytes) -> None:
    """A proxy between may answer 200 with a page of its own."""
    with pytest.raises(CentralUnavailable):
        read(StoredPage, httpx2.Response(200, content=content))


@pytest.mark.parametrize(
    ("status", "content"),
    [(404, b""), (405, b"<html>"), (200, b"<html>"), (200, b"{}"), (200, STORED), (503, b"")],
)
async def test_an_archive_that_can_not_say_what_it_has_has_nothing(
    status: int, content: bytes
) -> None:
    """One that only takes deliveries may answer anything, or of another picture."""
    client = CentralClient("http://archive:8003/upload-final", timeout=1, connections=1)
    answered = httpx2.MockTransport(lambda _: httpx2.Response(status, content=content))
    with patch.object(client, "_http", httpx2.AsyncClient(transport=answered)):
        assert await client.look_up(new_media_id()) is None
        found = await client.look_up(OTHER)
        assert bool(found) == (content == STORED)
    await client.close()


async def test_the_link_lies_beside_the_upload_address() -> None:
    client = CentralClient("http://archive:8003/behind/upload-final", timeout=1, connections=1)
    assert client.link("x") == "http://archive:8003/behind/media/x/file"
    await client.close()


@pytest.mark.parametrize(
    ("status", "is_able"), [(200, True), (404, True), (421, False), (503, False)]
)
async def test_which_central_server_is_able(status: int, is_able: bool) -> None:
    client = CentralClient("http://archive:8003/upload-final", timeout=1, connections=1)
    answered = httpx2.MockTransport(lambda _: httpx2.Response(status))
    with patch.object(client, "_http", httpx2.AsyncClient(transport=answered)):
        assert await client.answers() is is_able
    await client.close()
