"""Every example of docs/client.md and of the docstrings works, on real files and a real system."""

import doctest
import re
from pathlib import Path

import pytest

from media_processor import client, errors
from media_processor.client import AsyncClient, Client
from tests.client.conftest import JPEG
from tests.client.pictures import TORN
from tests.images.pictures import encoded, photo
from tests.system import System

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "watermarked").mkdir()
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    (tmp_path / "other.png").write_bytes(encoded(photo((60, 40)), "PNG"))
    (tmp_path / "torn.png").write_bytes(TORN)
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/client.md").read_text(), re.M | re.S)


def test_the_tutorial_works(
    running: System, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = _examples()
    assert len(examples) > 12
    names: dict[str, object] = {"__name__": "tutorial"}
    for number, example in enumerate(examples, start=1):
        assert ADDRESS in example or number > 1
        code = compile(example.replace(ADDRESS, running.fast_url), f"example {number}", "exec")
        exec(code, names)  # noqa: S102
    said = capsys.readouterr().out
    assert re.match(r"<Media [0-9a-f-]{36} 'photo\.jpg' queued>\n", said)
    assert f"{len(JPEG):,} bytes" in said
    assert "watermarked_photo.jpg" in said
    assert {path.name for path in (folder / "watermarked").iterdir()} == {
        "photo.jpg",
        "watermarked_photo.jpg",
        "watermarked_other.png",
    }
    assert (folder / "mine.jpg").read_bytes() == names["watermarked"]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.usefixtures("folder")
def test_the_docstrings_examples_work(running: System, kind: type[object]) -> None:
    text = (kind.__doc__ or "").replace(ADDRESS, running.fast_url)
    example = doctest.DocTestParser().get_doctest(text, vars(client).copy(), kind.__name__, None, 0)
    assert example.examples
    said: list[str] = []
    doctest.DocTestRunner().run(example, out=said.append)
    assert not said, "".join(said)


def test_the_table_names_errors_that_exist() -> None:
    page = (ROOT / "docs/client.md").read_text()
    table = page.split("| raised | when |")[1].split("\n\n")[0]
    named = {name for line in table.splitlines() for name in re.findall(r"`([A-Z]\w+)`", line)}
    builtin = {"FileNotFoundError", "IsADirectoryError", "OSError", "TypeError", "ValueError"}
    for name in named - builtin - {"TimeoutError"}:
        assert issubclass(getattr(errors, name), errors.MediaProcessorError)
    assert {"ServerRefused", "ServerUnreachable", "Overloaded"} <= named
