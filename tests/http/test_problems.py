"""Errors as they are described, and as they are sent."""

import errno
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from media_processor.http.problems import add_problem_handlers
from tests.http.apps import apps


def test_every_error_is_described_as_a_problem_and_nothing_else(tmp_path: Path) -> None:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for name, app in apps(tmp_path):
        described = app.openapi()
        errors = [
            (path, status, answer["content"])
            for path, operations in described["paths"].items()
            for operation in operations.values()
            for status, answer in operation["responses"].items()
            if status >= "400" and path != "/ready"
        ]
        assert len(errors) > 10, name
        for path, status, content in errors:
            assert content == {"application/problem+json": problem}, (name, path, status)
        assert "HTTPValidationError" not in str(described)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.EMFILE, 503, "storage_failing"),
        (errno.ESTALE, 503, "storage_failing"),
        (errno.ENOSPC, 507, "storage_full"),
        (errno.ENOENT, 500, "internal_error"),
        (errno.ETIMEDOUT, 500, "internal_error"),
    ],
)
async def test_what_the_disk_reports_is_sent_as_such(number: int, status: int, code: str) -> None:
    app = FastAPI()
    add_problem_handlers(app)

    @app.get("/")
    def fail() -> None:
        raise OSError(number, "refused")

    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
