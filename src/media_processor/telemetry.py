"""Logs. Every service logs to the console, one line an event, an emoji for each stage."""

import logging
import sys

from media_processor.terminal import printable


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = printable(record.message)
        return super().formatMessage(record)


def start_logging(service: str, level: str) -> None:
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
