"""docs/cli.md has every command, argument, option and exit status as they are."""

import re
from pathlib import Path

from scripts.cli_reference import blocks, named, written

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def test_the_tables_are_those_of_the_commands() -> None:
    assert written(PAGE) == PAGE, "python -m scripts.cli_reference writes them anew"


def test_every_command_has_its_section_and_its_block() -> None:
    assert sorted(named(PAGE)) == sorted(blocks())
    assert sorted(re.findall(r"^### (.+)$", PAGE, re.MULTILINE)) == sorted(blocks())


def test_what_is_missing_would_be_seen() -> None:
    (option,) = re.findall(r"^\| `--settle` .*\n", PAGE, re.MULTILINE)
    assert written(PAGE.replace(option, "")) == PAGE
