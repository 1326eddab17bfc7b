"""sharp, from npm, run by node."""

import json
import shutil
from pathlib import Path

from PIL import Image

from benchmarks.problem import BenchmarkError
from benchmarks.splice_pictures import Case
from benchmarks.splice_systems import SHARP, Measured, placed, run

_FOLDER = Path(__file__).parent / "sharp"
_INSTALLED = _FOLDER / "node_modules" / "sharp" / "package.json"
_INSTALL_SECONDS, _RUN_SECONDS = 300.0, 120.0


class Sharp:
    """Needs what ``install`` installs."""

    name = SHARP

    def __init__(self, folder: Path) -> None:
        self._mark, self._target = folder / "mark.png", folder / "watermarked"

    def measure(self, case: Case, times: int) -> Measured:
        box, mark = placed(case)
        Image.merge("RGBA", (*mark.colours.split(), mark.alpha)).save(self._mark)
        job = {
            "left": box.left,
            "top": box.top,
            "format": case.format.lower(),
            "options": case.sharp,
            "times": times,
        }
        files = [str(file) for file in (case.file, self._mark, self._target)]
        told = run(_FOLDER, _RUN_SECONDS, "node", "watermark.mjs", *files, json.dumps(job))
        return Measured(float(json.loads(told)["milliseconds"]), self._target.read_bytes())


def install() -> None:
    if not shutil.which("node") or not shutil.which("npm"):
        raise BenchmarkError("there is no node or npm here")
    if not _INSTALLED.exists() or _version(_INSTALLED) != _wanted():
        run(_FOLDER, _INSTALL_SECONDS, "npm", "ci", "--ignore-scripts")


def software() -> str:
    node = run(_FOLDER, _RUN_SECONDS, "node", "--version").strip()
    return f"sharp {_wanted()} on node {node.removeprefix('v')}"


def _wanted() -> str:
    needed = json.loads((_FOLDER / "package.json").read_text())["dependencies"]
    return str(needed["sharp"])


def _version(package: Path) -> str:
    return str(json.loads(package.read_text())["version"])
