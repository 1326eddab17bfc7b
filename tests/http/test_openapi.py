"""Both servers' descriptions are valid OpenAPI, for those who make clients from them."""

from pathlib import Path

from tests.http.apps import apps


def test_the_descriptions_are_valid(tmp_path: Path) -> None:
    from openapi_spec_validator import validate

    for _, app in apps(tmp_path):
        description = app.openapi()
        assert description["openapi"].startswith("3.1")
        validate(description)


def test_operations_have_short_names_and_downloads_a_content_type(tmp_path: Path) -> None:
    for _, app in apps(tmp_path):
        for methods in app.openapi()["paths"].values():
            for operation in methods.values():
                assert "__" not in operation["operationId"]
                whole = operation["responses"].get("200")
                assert whole is None or whole["content"], operation["operationId"]
