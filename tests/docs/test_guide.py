"""docs/guide.md shows what really happens."""

from pathlib import Path

import pytest

from media_processor.images.splice import is_installed
from tests.docs.guide import GUIDE, Walk, comparable
from tests.system import System


@pytest.mark.skipif(not is_installed(), reason="the guide shows the native core at work")
def test_every_command_says_what_the_guide_shows(running: System, tmp_path: Path) -> None:
    shown = GUIDE.read_text()

    assert comparable(Walk(running, tmp_path).renewed(shown)) == comparable(shown)
