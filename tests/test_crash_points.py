"""Every named point is in the code, once, and dies only when it is meant."""

import re
import subprocess
import sys
from pathlib import Path

from media_processor.crash_points import EXIT_STATUS, POINTS

SOURCE = Path(__file__).parents[1] / "src" / "media_processor"


def test_each_point_stands_once_in_the_code() -> None:
    code = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    assert sorted(re.findall(r'crash_point\("([\w-]+)"\)', code)) == sorted(POINTS)


def pass_point(name: str, **env: str) -> int:
    code = f"from media_processor.crash_points import crash_point; crash_point({name!r})"
    return subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode


def test_the_first_to_reach_the_armed_point_dies(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    armed.write_text("row-added")
    assert pass_point("job-claimed", CRASH_AT=str(armed)) == 0
    assert armed.exists()
    assert pass_point("row-added", CRASH_AT=str(armed)) == EXIT_STATUS
    assert pass_point("row-added", CRASH_AT=str(armed)) == 0
    assert pass_point("row-added") == 0
