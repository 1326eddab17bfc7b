"""Logs. Every service logs to the console, one line an event, an emoji for each stage."""

import logging
import sys

# What reads a line is a terminal, so whatever could move its cursor or forge a
# second line is shown as an escape instead.
_UNSAFE = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(0x80, 0xA0)) if code != 9}
_UNSAFE |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F))}


def printable(text: str) -> str:
    """``text`` as it may be shown in a terminal: on one line, and with no power over it."""
    return text.translate(_UNSAFE)


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = printable(record.message)
        return super().formatMessage(record)


def start_logging(service: str, level: str) -> None:
    """Log what is at least of ``level`` to standard error as ``time service message``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _OneLine(f"%(asctime)s {service.replace('%', '%%'):<9} %(message)s", "%H:%M:%S")
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # These repeat, a line a job or a request, what our own lines say better.
    for noisy in ("arq", "httpx2", "httpcore2", "alembic", "uvicorn.error", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
