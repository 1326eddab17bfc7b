"""docs/guide.md shows what really happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from media_processor.images.splice import is_installed
from tests.docs.guide import GUIDE, Walk, comparable
from tests.system import System, running_system


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of this module's own, whose archive has nothing but what is sent here."""
    with running_system(tmp_path_factory.mktemp("running")) as system:
        system.start_all()
        yield system


@pytest.mark.slow
@pytest.mark.skipif(not is_installed(), reason="the guide shows the native core at work")
def test_every_command_says_what_the_guide_shows(running: System, tmp_path: Path) -> None:
    shown = GUIDE.read_text()

    assert comparable(Walk(running, tmp_path).renewed(shown)) == comparable(shown)
