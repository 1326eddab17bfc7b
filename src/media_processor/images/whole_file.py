"""A file that is written whole or not at all."""

from pathlib import Path
from uuid import uuid4


def write(target: Path, data: bytes | memoryview) -> None:
    """Write ``data`` to ``target`` by way of another name. Nothing is synced to disk."""
    temporary = target.with_name(f".{uuid4().hex}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
