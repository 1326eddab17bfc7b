"""Both servers' descriptions are valid OpenAPI, for those who make clients from them."""

from pathlib import Path

from tests.http.apps import apps


def test_the_descriptions_are_valid(tmp_path: Path) -> None:
    from openapi_spec_validator import validate

    for _, app in apps(tmp_path):
        description = app.openapi()
        assert description["openapi"].startswith("3.1")
        validate(description)
