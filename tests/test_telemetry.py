import logging

import pytest

from media_processor.telemetry import start_logging


def test_a_message_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        start_logging("test", "info")
        logging.getLogger("x").info("name %s end", "a\nb\x1b[2K\u202e\x85")
    finally:
        root.handlers, root.level = handlers, level
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("test      name a\\x0ab\\x1b[2K\\u202e\\x85 end")
