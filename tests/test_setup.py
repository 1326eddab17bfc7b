"""``scripts/setup.sh`` says in one sentence what is wrong."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "setup.sh"


@pytest.mark.parametrize("python", ["/nonexistent/python3", "false"])
def test_a_python_that_is_missing_or_too_old_is_said_so(tmp_path: Path, python: str) -> None:
    done = subprocess.run(
        ["sh", str(SCRIPT)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("in_terminal", [True, False])
def test_the_long_step_is_announced_and_shown_in_a_terminal(
    tmp_path: Path, in_terminal: bool
) -> None:
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    called = tmp_path / "called"
    for name in ("python", "uv", "cargo"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >>"{called}"\n')
        (tools / name).chmod(0o755)
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0), open(theirs, "wb", buffering=0) as terminal:  # noqa: PTH123
        done = subprocess.run(
            ["sh", str(SCRIPT)],
            cwd=tmp_path,
            env={"PATH": f"{tools}:{os.environ['PATH']}"},
            stderr=terminal if in_terminal else subprocess.PIPE,
            check=True,
        )
        said = os.read(ours, 65536) if in_terminal else done.stderr
    assert b"native core" in said.splitlines()[-1]
    assert b"usually a minute or two" in said.splitlines()[-1]
    (last,) = [line for line in called.read_text().splitlines() if "--editable" in line]
    assert ("--quiet" in last) is not in_terminal
