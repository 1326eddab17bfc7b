"""Writes into docs/cli.md what the commands tell of themselves; run after changing one.

Between ``<!-- NAME -->`` and ``<!-- end -->`` stand a command's arguments, options and exit
status. The rest of the page, with the sample output, is written by hand.
"""

import re
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from typer.main import get_command

from media_processor.cli.main import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
_BLOCK = re.compile(r"<!-- ([a-z -]+) -->\n(?:.*?\n)??<!-- end -->", re.DOTALL)


def blocks() -> dict[str, str]:
    return dict(_blocks("", get_command(app)))


def written(page: str) -> str:
    known = blocks()

    def block(found: "re.Match[str]") -> str:
        return f"<!-- {found[1]} -->\n{known[found[1]]}<!-- end -->"

    return _BLOCK.sub(block, page)


def named(page: str) -> list[str]:
    return [found[1] for found in _BLOCK.finditer(page)]


def _blocks(name: str, command: Any) -> list[tuple[str, str]]:
    if hasattr(command, "commands"):
        below = command.commands.items()
        return [each for child, one in below for each in _blocks(f"{name} {child}".strip(), one)]
    rows = [_row(one) for one in command.params if not one.hidden and one.name != "help"]
    table = "| argument or option | default | |\n|---|---|---|\n" + "".join(rows) if rows else ""
    return [(name, f"{table}{_exit_status(command.help, bool(rows))}")]


def _row(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(one.opts, key=len, reverse=True))
    if one.param_type_name == "argument":
        many = "…" if one.nargs == -1 and not one.metavar else ""
        names = f"`{one.metavar or one.name.upper()}{many}`"
    elif not one.is_flag:
        names += f" {_kind(one)}"
    default = "" if one.default in (None, False) else f"`{_shown(one.default)}`"
    variable = f" Also `{one.envvar}`." if one.envvar else ""
    help_text = (one.help or "").replace("|", "\\|").replace("<", "&lt;")
    return f"| {names} | {default} | {help_text}{variable} |\n"


def _kind(one: Any) -> str:
    annotation = one.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " \\| ".join(str(choice.value) for choice in annotation)
    if get_origin(annotation) is Literal:
        return " \\| ".join(get_args(annotation))
    return {int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(annotation, "TEXT")


def _shown(default: object) -> object:
    return getattr(default, "value", default)


def _exit_status(text: str | None, has_table: bool) -> str:
    _, found, help_text = (text or "").partition("Exit status:\n")
    if not found:
        return ""
    lines = [line.split(maxsplit=1) for line in help_text.splitlines() if line.strip()]
    begin = "\n" if has_table else ""
    rows = "".join(f"| {code} | {meaning} |\n" for code, meaning in lines)
    return f"{begin}| exit status | |\n|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
