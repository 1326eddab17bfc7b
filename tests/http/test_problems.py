"""The description of both servers tells errors as they are sent."""

from pathlib import Path

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
