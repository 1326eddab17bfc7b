"""``testfiles/test.py`` finds a good system good, and a bad one bad."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.system import System

SCRIPT = Path(__file__).parents[2] / "testfiles" / "test.py"


def _run(system: System) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), system.fast_url, system.central_url],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_good_system_is_found_good(running: System) -> None:
    done = _run(running)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("✅") == 3


@pytest.mark.slow
def test_a_system_without_a_logo_is_found_out(system: System) -> None:
    invisible = system.data / "invisible.png"
    system.data.mkdir()
    Image.new("RGBA", (60, 30)).save(invisible)
    system.environment["GOOGLE_LOGO"] = str(invisible)
    system.start_all()
    done = _run(system)
    assert done.returncode == 1
    assert done.stdout.count("there is no logo at the top right") == 3
