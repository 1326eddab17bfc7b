"""Writes the tables of docs/configuration.md from the settings; run after changing one.

``python -m scripts.configuration``. What stands before the first table and from "Command line" on
is written by hand.
"""

import re
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from media_processor.settings import (
    CentralServerSettings,
    FastServerSettings,
    PipelineSettings,
    RedisSettings,
    ServerSettings,
    Settings,
    UpSettings,
    WorkerSettings,
)
from media_processor.settings.quantities import is_bytes, written_bytes

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

# In the order of the page; each shows what the ones before have not shown.
GROUPS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("Every service", Settings),
    ("Fast server and workers", RedisSettings),
    ("Fast server and workers", PipelineSettings),
    ("Fast server and central server", ServerSettings),
    ("Fast server", FastServerSettings),
    ("Worker server", WorkerSettings),
    ("Central server", CentralServerSettings),
    ("`media-processor up`", UpSettings),
)
_TABLES = re.compile(rf"^## {GROUPS[0][0]}\n.*?(?=^## Command line$)", re.DOTALL | re.MULTILINE)

# The description says what their default depends on.
_BY_MACHINE = {"hostname", "watermark_processes"}


def written(page: str) -> str:
    """The page with its tables as they should be."""
    return _TABLES.sub(lambda _: _tables(), page)


def _tables() -> str:
    shown: set[str] = set()
    lines: list[str] = []
    title = ""
    for heading, kind in GROUPS:
        if heading != title:
            lines += [f"## {heading}", "", "| variable | default | meaning |", "|---|---|---|"]
            title = heading
        for name, field in kind.model_fields.items():
            if name not in shown:
                default = "" if name in _BY_MACHINE else _shown(field)
                lines.append(f"| `{name.upper()}` | {default} | {field.description} |")
                shown.add(name)
    return "\n".join(lines).replace("\n## ", "\n\n## ") + "\n\n"


def _shown(field: FieldInfo) -> str:
    default = field.default
    if is_bytes(field.metadata):
        return f"`{written_bytes(default)}`"
    if default is None:
        return "not set"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(f'{value:g}' for value in default)}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
