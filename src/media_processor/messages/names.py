"""Ids, kinds and names of pictures, safe in a path, a header and a log line."""

import os
import time as clock
import unicodedata
from datetime import UTC, datetime
from pathlib import PurePosixPath
from uuid import UUID

PICTURE_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tiff",
    "image/bmp": ".bmp",
    "image/avif": ".avif",
    "image/heic": ".heic",
}
"""The media types that are taken, each with its usual extension."""

FURTHER_EXTENSIONS = {
    "image/jpeg": (".jpeg",),
    "image/tiff": (".tif",),
    "image/heic": (".heif",),
}
"""Other extensions that the names of such files have."""

CONTENT_TYPES = {
    extension: content_type
    for content_type, usual in PICTURE_EXTENSIONS.items()
    for extension in (usual, *FURTHER_EXTENSIONS.get(content_type, ()))
}
"""What a file's name promises, by its extension in lower case."""

# File systems allow 255 bytes. What comes in gets the prefix `watermarked_` later on.
MAX_FILENAME_BYTES = 200
MAX_STORED_FILENAME_BYTES = 240


def new_media_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    value = clock.time_ns() // 1_000_000 << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=value))


def is_media_id(text: str) -> bool:
    """Whether ``text`` is a UUIDv7 in its canonical spelling, and so safe in a path."""
    try:
        value = UUID(text)
        return str(value) == text and value.version == 7 and media_time(text).year < 10_000
    except (ValueError, OverflowError, OSError):
        return False


def media_time(media_id: str) -> datetime:
    """When the id was made, to the millisecond."""
    return datetime.fromtimestamp((UUID(media_id).int >> 80) / 1000, UTC)


def day_folder(media_id: str) -> str:
    """``yyyy/mm/dd`` of the day the id was made, UTC."""
    return f"{media_time(media_id):%Y/%m/%d}"


def safe_filename(name: str, max_bytes: int = MAX_FILENAME_BYTES) -> str:
    """The name a client gave a file, made safe for a path, a header and a log line.

    Keeps the last path component; control, format (bidirectional marks among them) and
    unassigned characters go; double quotes become single ones, as a form can't carry them
    on to the archive unchanged; at most ``max_bytes`` of UTF-8, extension kept. Never empty.
    """
    kept = _printable(name.replace("\\", "/").rsplit("/", 1)[-1].replace('"', "'"))
    path = PurePosixPath(kept.replace("/", "_") or "picture")
    suffix = path.suffix if len(path.suffix.encode()) <= 16 else ""
    stem = path.name.removesuffix(suffix).encode()[: max_bytes - len(suffix.encode())]
    return (stem.decode(errors="ignore").rstrip(" .\u200d") or "picture") + suffix


def branded_filename(name: str, extension: str | None) -> str:
    """``watermarked_`` and the name; with a new extension if the format changed."""
    if extension is None:
        return f"watermarked_{name}"
    return f"watermarked_{PurePosixPath(name).stem}{extension}"


def safe_worker_name(name: str) -> str:
    """A worker's name for the activity log; ``|`` goes too, as it separates the fields there."""
    kept = _printable(name.replace("|", "_").replace("/", "_").replace("\\", "_"))
    return kept.encode()[:MAX_FILENAME_BYTES].decode(errors="ignore").rstrip() or "unknown"


def _printable(text: str) -> str:
    """Without control, format and unassigned characters, in Unicode's NFC."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    # The joiner is a format character, but holds emoji families together.
    kept = (c for c in text if c in " \u200d" or unicodedata.category(c)[0] not in "CZ")
    return "".join(kept).strip(" .\u200d")


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
