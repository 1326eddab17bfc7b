"""Writes the lists of ARCHITECTURE.md: layers from pyproject.toml, files from their first lines.

Run it as ``python -m scripts.architecture`` after adding, moving or re-describing a file.
"""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

DOCUMENT = Path("ARCHITECTURE.md")
_COMMAND = "python -m scripts.architecture"
_PACKAGE = Path("src/media_processor")
_NATIVE = (Path("native/core/src"), Path("native/python/src"))
_SKIPPED = {"__pycache__", "versions", "target", "tests"}


def main() -> None:
    """Write the lists."""
    DOCUMENT.write_text(with_lists(DOCUMENT.read_text()))


def with_lists(text: str) -> str:
    """``text`` with its lists as they should be."""
    return _replaced(_replaced(text, "layers", layers()), "files", file_lists())


def _replaced(text: str, name: str, lines: str) -> str:
    begin, end = f"<!-- {name}: {_COMMAND} -->", f"<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n\n{lines}\n{end}{rest.partition(end)[2]}"


def layers() -> str:
    """The import rule, the highest layer first."""
    contracts = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (rows,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "\n".join(["```", *rows, "```"])


def file_lists() -> str:
    """One table a folder, the package's own files first."""
    folders = [*_folders(_PACKAGE, ".py"), *(f for root in _NATIVE for f in _folders(root, ".rs"))]
    return "\n".join(_table(folder, suffix) for folder, suffix in folders)


def _folders(folder: Path, suffix: str) -> Iterator[tuple[Path, str]]:
    if any(path.suffix == suffix for path in folder.iterdir()):
        yield folder, suffix
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        if inner.name not in _SKIPPED:
            yield from _folders(inner, suffix)


def _table(folder: Path, suffix: str) -> str:
    name = folder.relative_to(_PACKAGE.parent if suffix == ".py" else Path()).as_posix()
    own = folder / ("__init__.py" if suffix == ".py" else "mod.rs")
    lines = [f"**`{name}/`** {first_line(own) if own.exists() else ''}".rstrip(), ""]
    files = sorted(path for path in folder.glob(f"*{suffix}") if path.name != own.name)
    if files:
        lines += ["| file | |", "|---|---|"]
        lines += [
            f"| `{path.name}` | {first_line(path).replace('|', '&#124;')} |" for path in files
        ]
        lines.append("")
    return "\n".join(lines)


def first_line(path: Path) -> str:
    """The first sentence or line of a file's own description, without its full stop."""
    text = path.read_text()
    if path.suffix == ".rs":
        described = [
            line.removeprefix("//!").strip() for line in text.splitlines() if line[:3] == "//!"
        ]
        words = " ".join(described)
    else:
        words = " ".join((ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0].split())
    sentence = words.split(". ")[0]
    return sentence.removesuffix(".").removesuffix(":")


if __name__ == "__main__":
    main()
