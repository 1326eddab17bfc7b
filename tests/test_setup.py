"""``scripts/setup.sh`` says in one sentence what is wrong."""

import os
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
