"""The documents are tested against the code."""

import asyncio
import re
from pathlib import Path
from typing import get_args

import pytest
from scripts import configuration
from scripts.architecture import first_line, with_lists
from typer.main import get_command

from media_processor import errors, formats
from media_processor.central_server.main import create_app as central_app
from media_processor.cli.main import app as commands
from media_processor.crash_points import POINTS
from media_processor.fast_server.main import create_app as fast_app
from media_processor.messages.media import Status
from media_processor.pipeline.policy import REASONS
from media_processor.settings import CentralServerSettings, FastServerSettings

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])


def text(name: str) -> str:
    return (ROOT / name).read_text()


def test_every_setting_is_documented_with_its_default() -> None:
    page = text("docs/configuration.md")
    assert configuration.written(page) == page, "run python -m scripts.configuration"
    (row,) = re.findall(r"^\| `UPLOAD_TIMEOUT` .*\n", page, re.MULTILINE)
    assert configuration.written(page.replace(row, "")) == page


def test_no_other_variable_is_documented_there() -> None:
    known = {name.upper() for _, kind in configuration.GROUPS for name in kind.model_fields}
    named = set(re.findall(r"^\| `([A-Z_]+)`", text("docs/configuration.md"), re.MULTILINE))
    assert named == known | {"FAST_SERVER_URL"}


@pytest.mark.parametrize(
    ("heading", "app"),
    [
        ("## Fast server", fast_app(FastServerSettings(), asyncio.Event())),
        ("## Central server", central_app(CentralServerSettings(), None)),
    ],
    ids=["fast server", "central server"],
)
def test_every_route_is_documented(heading: str, app: object) -> None:
    section = text("docs/http-api.md").split(heading)[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `([A-Z]+ /\S*)` \|", section, re.MULTILINE))
    paths = app.openapi()["paths"]  # type: ignore[attr-defined]
    assert documented == {f"{verb.upper()} {path}" for path in paths for verb in paths[path]}


def test_every_status_and_error_code_is_documented() -> None:
    api = text("docs/http-api.md")
    for status in get_args(Status):
        assert f"| `{status}` |" in api
    for route in (
        fast_app(FastServerSettings(), asyncio.Event())
        .openapi()["paths"]["/media"]["post"]["responses"]
        .values()
    ):
        for code in re.findall(r"`(\w+)`", route["description"]):
            assert f"`{code}`" in api


def test_every_reason_to_fail_is_documented() -> None:
    section = text("docs/http-api.md").split("fails with one of these codes:")[1].split("\n\n")[1]
    assert tuple(sorted(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))) == REASONS


def test_every_reason_to_decline_a_splice_is_documented() -> None:
    reasons = re.findall(r'=> "([^"]+)"', text("native/core/src/lib.rs"))
    reasons += re.findall(r'Declined\("([^"]+)"\)', text("src/media_processor/images/splice.py"))
    assert len(reasons) > 15
    for reason in reasons:
        assert f"`{reason}`" in text("docs/splice.md")


def test_every_list_of_the_formats_is_that_of_the_code() -> None:
    read = [each.title for each in formats.FORMATS]
    kept = [each.title for each in formats.writable().values()]
    names = ", ".join(f"`{name}`" for name in ("keep", *formats.writable()))
    for page, words in {
        "README.md": f"{_listed(kept, 'and')} keep their format",
        "docs/http-api.md": f"a {_listed(read, 'or')}.",
        "docs/profiles.md": f"Values: {names}.",
        "docs/cli.md": f"Supported formats: {formats.titles()}.",
    }.items():
        assert words in " ".join(text(page).split()), page


def _listed(words: list[str], conjunction: str) -> str:
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def test_the_crash_points_are_counted_right() -> None:
    assert f"at {len(POINTS)} places" in " ".join(text("docs/reliability.md").split())


def _errors(kind: type[errors.MediaProcessorError]) -> list[type[errors.MediaProcessorError]]:
    found = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [*found, *(below for child in found for below in _errors(child))]


def test_the_error_tree_is_drawn_as_it_is() -> None:
    """Everything but the titles, in errors.py's docstring; each code once."""
    rows = re.findall(r"── (\w+) +([a-z_]+) +(\d{3})", errors.__doc__ or "")
    drawn = {name: (code, int(status)) for name, code, status in rows}
    leaves = [kind for kind in _errors(errors.MediaProcessorError) if not _errors(kind)]
    assert drawn == {kind.__name__: (kind.code, kind.status) for kind in leaves}
    assert len({kind.code for kind in leaves}) == len(leaves)
    for name, values in (("fault", get_args(errors.Fault)), ("retry", get_args(errors.Retry))):
        told = re.findall(rf"── (\w+) .*\b({'|'.join(values)})\b", errors.__doc__ or "")
        assert dict(told) == {
            kind.__name__: vars(kind)[name]
            for kind in _errors(errors.MediaProcessorError)
            if name in vars(kind)
        }


def test_every_command_is_documented() -> None:
    reference = text("docs/cli.md")
    for name in get_command(commands).commands:  # type: ignore[attr-defined]
        assert f"### {name}" in reference


def test_every_document_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+)", index.read_text())
    }
    documents = {path for path in (ROOT / "docs").rglob("*.md") if path != index}
    assert documents <= linked


def test_make_help_lists_every_target_that_a_document_names() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE))
    for path in DOCS:
        for line in re.findall(r"`make ([a-z-]+)|^(?:\$ )?make ([a-z-]+)", path.read_text(), re.M):
            assert set(filter(None, line)) <= targets, f"{path.name}: make {line}"


def test_every_link_between_documents_leads_somewhere() -> None:
    for path in DOCS:
        for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_the_file_lists_of_the_architecture_are_those_of_the_code() -> None:
    architecture = text("ARCHITECTURE.md")
    assert with_lists(architecture) == architecture, "run python -m scripts.architecture"


def test_every_file_says_what_it_holds() -> None:
    files = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "src").rglob("*.js"),
        *(ROOT / "native").glob("*/src/**/*.rs"),
    ]
    silent = [path for path in files if path.stat().st_size and not first_line(path)]
    assert not [path for path in silent if "versions" not in path.parts]


def test_what_the_architecture_says_to_change_exists() -> None:
    table = text("ARCHITECTURE.md").split("## To change")[1].split("\n## ")[0].split("|---|---|")[1]
    paths = set(re.findall(r"`([a-z_/-]+(?:/|\.[a-z]+))`", table))
    assert len(paths) > 20
    roots = (ROOT, ROOT / "src/media_processor", ROOT / "src/media_processor/fast_server/web")
    assert not [path for path in paths if not any((root / path).exists() for root in roots)]
