"""Runs what docs/guide.md shows. ``python -m tests.docs.guide`` writes the output anew."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from testfiles.make_pictures import make_pictures

from tests.system import System, running_system

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"

_ADDRESS = "http://127.0.0.1:8000"
_BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What differs from run to run and from machine to machine.
_VARIES = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?|\d{4}/\d\d/\d\d", "TIME"),
    (r"\d+\.\d+", "NUMBER"),
    (r"(?<=\.jpg )\d+", "NUMBER"),
    (r" +", " "),
    (r"\s+$", ""),
)


class Walk:
    """Goes through the guide in a folder of its own, as a reader would."""

    def __init__(self, system: System, folder: Path) -> None:
        self._system, self._folder = system, folder
        make_pictures(folder / "holiday")
        binaries = Path(sys.executable).parent
        self._environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / ".state"),
            "COLUMNS": "120",
            "FAST_SERVER_URL": system.fast_url,
            "GOOGLE_LOGO": system.environment["GOOGLE_LOGO"],
        }

    def renewed(self, text: str) -> str:
        said = ""

        def renew(block: re.Match[str]) -> str:
            nonlocal said
            kind, content = block.groups()
            if kind == "console":
                content = "".join(
                    f"$ {command}\n{self._run(['bash', '-c', command])}"
                    for command in re.findall(r"^\$ (.*)", content, re.MULTILINE)
                )
            elif kind == "python":
                said = self._run([sys.executable, "-c", content.replace(_ADDRESS, self._url)])
            else:
                content = said
            return f"```{kind}\n{content}```"

        return _BLOCK.sub(renew, text)

    @property
    def _url(self) -> str:
        return self._system.fast_url

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        lines = [line.rstrip() for line in done.stdout.replace(self._url, _ADDRESS).splitlines()]
        return "".join(f"{line}\n" for line in lines)


def comparable(text: str) -> str:
    for pattern, instead in _VARIES:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def main() -> None:
    with (
        TemporaryDirectory() as folder,
        TemporaryDirectory() as reader,
        running_system(Path(folder)) as system,
    ):
        system.start_all()
        GUIDE.write_text(Walk(system, Path(reader)).renewed(GUIDE.read_text()))


if __name__ == "__main__":
    main()
