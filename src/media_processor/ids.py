"""Media ids: UUIDv7, so that they sort by time."""

import os
import time as clock
from datetime import UTC, datetime
from uuid import UUID


def new_media_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    value = clock.time_ns() // 1_000_000 << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=value))


def is_media_id(text: str) -> bool:
    # Only the canonical spelling is safe in a path.
    try:
        value = UUID(text)
        return str(value) == text and value.version == 7 and media_time(text).year < 10_000
    except (ValueError, OverflowError, OSError):
        return False


def media_time(media_id: str) -> datetime:
    return datetime.fromtimestamp((UUID(media_id).int >> 80) / 1000, UTC)


def day_folder(media_id: str) -> str:
    return f"{media_time(media_id):%Y/%m/%d}"


def now() -> datetime:
    return datetime.now(UTC)
