"""The second table of docs/formats.md, cell by cell: what becomes of everything in a file that
isn't pixels. Nothing is lost without a note."""

import re
from pathlib import Path

import pytest

from .conftest import ApplyWatermark
from .parts import (
    KINDS,
    PARTS,
)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()


def table() -> dict[str, dict[str, str]]:
    text = PAGE[PAGE.index("| part |") :].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    head = rows[0][1:]
    return {row[0]: dict(zip(head, row[1:], strict=True)) for row in rows[2:]}


CELLS = [
    (name, kind, said) for name, row in table().items() for kind, said in row.items() if said != "–"
]


def test_every_part_has_its_row_and_every_format_its_column() -> None:
    assert list(table()) == list(PARTS)
    for name, row in table().items():
        assert list(row) == KINDS
        assert {kind for kind, said in row.items() if said != "–"} == set(PARTS[name].make), name


@pytest.mark.parametrize(("name", "kind", "said"), CELLS)
def test_a_part_is_kept_changed_or_reported(
    name: str, kind: str, said: str, apply_watermark: ApplyWatermark
) -> None:
    part = PARTS[name]
    data = part.make[kind]()
    if kind != "HEIC":
        assert part.is_there(data), "the file has it"
    out, made = apply_watermark(data)
    losses = [note for note in made.notes if note != "converted from HEIC to JPEG"]
    if said == "reported":
        assert not part.is_there(out)
        assert any(re.search(part.note, note) for note in losses), made.notes
    else:
        assert said in ("kept", "changed")
        assert part.is_there(out)
        assert not losses
