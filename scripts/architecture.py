"""Writes the lists of ARCHITECTURE.md: layers from pyproject.toml, files from their first lines.

Run it as ``python -m scripts.architecture`` after adding, moving or re-describing a file.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

DOCUMENT = Path("ARCHITECTURE.md")
_COMMAND = "python -m scripts.architecture"
_PACKAGE = Path("src/media_processor")
_NATIVE = (Path("native/core/src"), Path("native/python/src"))
_LISTED = {".py", ".js", ".rs"}
_OWN = {"__init__.py", "mod.rs"}
_SKIPPED = {"__pycache__", "versions", "target", "tests"}


def main() -> None:
    DOCUMENT.write_text(with_lists(DOCUMENT.read_text()))


def with_lists(text: str) -> str:
    return _replaced(_replaced(text, "layers", layers()), "files", file_lists())


def _replaced(text: str, name: str, lines: str) -> str:
    begin, end = f"<!-- {name}: {_COMMAND} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{lines}\n{end}{rest.partition(end)[2]}"


def layers() -> str:
    contracts = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (rows,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "\n".join(["```", *rows, "```"])


def file_lists() -> str:
    folders = [folder for root in (_PACKAGE, *_NATIVE) for folder in _folders(root)]
    return "\n".join(_table(folder) for folder in folders)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in _LISTED)


def _folders(folder: Path) -> Iterator[Path]:
    if _files(folder):
        yield folder
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        if inner.name not in _SKIPPED:
            yield from _folders(inner)


def _table(folder: Path) -> str:
    name = folder.relative_to(_PACKAGE.parent if folder.is_relative_to(_PACKAGE) else Path())
    files = _files(folder)
    own = next((path for path in files if path.name in _OWN), None)
    lines = [f"**`{name.as_posix()}/`** {first_line(own) if own else ''}".rstrip(), ""]
    if own:
        files.remove(own)
    if files:
        lines += ["| file | |", "|---|---|"]
        lines += [
            f"| `{path.name}` | {first_line(path).replace('|', '&#124;')} |" for path in files
        ]
        lines.append("")
    return "\n".join(lines)


def first_line(path: Path) -> str:
    """The first sentence or line of a file's own description, without its full stop."""
    sentence = _description(path.suffix, path.read_text()).split(". ")[0]
    return sentence.removesuffix(".").removesuffix(":")


def _description(suffix: str, text: str) -> str:
    if suffix == ".rs":
        lines = [line.removeprefix("//!") for line in text.splitlines() if line[:3] == "//!"]
        words = "\n".join(lines)
    elif suffix == ".js":
        # What stands right above code describes that code.
        comment = re.match(r"/\*\*(.*?)\*/\n\n", text, re.DOTALL)
        words = comment[1] if comment else ""
    else:
        words = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0]
    return " ".join(words.split())


if __name__ == "__main__":
    main()
