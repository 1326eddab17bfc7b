"""What the central server's answers mean."""

import httpx2
import pytest

from media_processor.central_client import CentralClient, _read, _receipt
from media_processor.errors import (
    CentralRefused,
    CentralUnavailable,
    DigestMismatch,
    MediaProcessorError,
    StorageFull,
)
from media_processor.http.problems import problem
from media_processor.messages.archive import StoredPage


def answer(status: int, code: str) -> httpx2.Response:
    return httpx2.Response(status, content=problem(code, status, "t", "why").model_dump_json())


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "empty_file", CentralRefused),
        (404, "not_found", CentralRefused),
        (409, "media_conflict", CentralRefused),
        (408, "x", CentralUnavailable),
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
        _receipt(answer(status, code))


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}"])
def test_a_success_without_a_receipt_is_none(content: bytes) -> None:
    with pytest.raises(CentralUnavailable):
        _receipt(httpx2.Response(201, content=content))


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}"])
def test_an_answer_that_can_not_be_read_is_none(content: bytes) -> None:
    """A proxy between may answer 200 with a page of its own."""
    with pytest.raises(CentralUnavailable):
        _read(StoredPage, httpx2.Response(200, content=content))


async def test_the_link_lies_beside_the_upload_address() -> None:
    client = CentralClient("http://archive:8003/behind/upload-final", timeout=1, connections=1)
    assert client.link("x") == "http://archive:8003/behind/media/x/file"
    await client.close()
