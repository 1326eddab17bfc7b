"""The second table of docs/formats.md, cell by cell: what becomes of everything in a file that
isn't pixels. Nothing is lost without a note."""

import re
from pathlib import Path

import pytest

from media_processor.images.profile import Profile

from .conftest import ApplyWatermark
from .part import KINDS
from .parts import PARTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats.md").read_text()


def table() -> dict[str, dict[str, str]]:
    text = PAGE[PAGE.index("| part |") :].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    head = rows[0][1:]
    return {row[0]: dict(zip(head, row[1:], strict=True)) for row in rows[2:]}


# That of a picture's colours which the logo hasn't got says nothing of the picture's own.
NO_LOSSES = ("converted from HEIC to JPEG", "the logo's colours may look different")
CELLS = [
    (name, kind, said) for name, row in table().items() for kind, said in row.items() if said != "–"
]


def test_every_part_has_its_row_and_every_format_its_column() -> None:
    assert list(table()) == list(PARTS)
    for name, row in table().items():
        assert list(row) == KINDS
        assert {kind for kind, said in row.items() if said != "–"} == set(PARTS[name].make), name


# What a conversion calls that which stays otherwise.
IN_CONVERSION = {
    "EXIF in a text chunk": "EXIF",
    "IPTC and Photoshop's resources": "IPTC|comments",  # in a PNG it is a text chunk
    "comments and text chunks": "comments",
    "HDR gain map": "gain map",
    "video of a motion photo": "video",
    "colours described by numbers": "what describes them|calibration|description of colours",
    "HDR brightness and mastering display": "HDR brightness",
    "pixel aspect ratio": "pixel aspect ratio",
    "place on a page, physical scale": "offset|place on the page",
    "further pictures": "further pictures|only the first of 2 frames",
    "EXIF": "EXIF|camera",
    "private data": "tag 50341",
    "background colour": "background colour|only the first of 2 frames",
}


# What a BMP keeps, or nobody shows.
LOSSES = [cell for cell in CELLS if cell[1] != "BMP" and cell[:2] != ("background colour", "GIF")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind", "said"), LOSSES)
def test_a_bmp_has_no_place_for_any_part(
    name: str, kind: str, said: str, apply_watermark: ApplyWatermark
) -> None:
    """As a BMP, into which the fewest go, a picture loses each with a note."""
    _, made = apply_watermark(PARTS[name].make[kind](), profile=Profile("p", format="bmp"))
    named = PARTS[name].note if said == "reported" else IN_CONVERSION.get(name, name)
    assert any(re.search(named, note) for note in made.notes), made.notes


@pytest.mark.parametrize(("name", "kind", "said"), CELLS)
def test_a_part_is_kept_changed_or_reported(
    name: str, kind: str, said: str, apply_watermark: ApplyWatermark
) -> None:
    part = PARTS[name]
    data = part.make[kind]()
    if kind != "HEIC":
        assert part.is_there(data), "the file has it"
    out, made = apply_watermark(data)
    losses = [note for note in made.notes if not note.startswith(NO_LOSSES)]
    if said == "reported":
        assert not part.is_there(out)
        assert any(re.search(part.note, note) for note in losses), made.notes
    else:
        assert said in ("kept", "changed")
        assert part.is_there(out)
        assert not losses
