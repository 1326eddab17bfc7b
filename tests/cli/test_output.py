"""What commands print while a server keeps them waiting."""

from pathlib import Path

import pytest

from media_processor.cli.output import Troubles
from media_processor.cli.upload.bar import UploadBar
from media_processor.client import Wait

_WAITS = (
    Wait("overloaded", "Too many unfinished pictures (1,200); send it again in 7 s", 7.1),
    Wait("overloaded", "Too many unfinished pictures (1,100); send it again in 6 s", 6.2),
    Wait("server_unreachable", "http://x can't be reached", 0.5),
)
_LINES = [
    "media-processor: waiting: "
    "Too many unfinished pictures (1,200); send it again in 7 s; trying again",
    "media-processor: waiting: http://x can't be reached; trying again",
]


def test_each_cause_is_reported_once_until_it_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    troubles = Troubles()
    for wait in _WAITS:
        troubles.report(wait)
    assert capsys.readouterr().err.splitlines() == _LINES
    assert troubles
    troubles.are_over()
    assert not troubles
    troubles.report(_WAITS[2])
    assert capsys.readouterr().err.splitlines() == _LINES[1:]


def test_the_bar_shows_each_cause_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with UploadBar([Path("photo.jpg")]) as bar:
        for wait in _WAITS:
            bar.waits(wait)
    assert capsys.readouterr().err.splitlines() == _LINES
