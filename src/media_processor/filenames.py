"""File and worker names from outside, made safe for a path, a header and a log line."""

import unicodedata
from pathlib import PurePosixPath

# File systems allow 255 bytes. What comes in gets the prefix `watermarked_` later on.
MAX_FILENAME_BYTES = 200
MAX_STORED_FILENAME_BYTES = 240


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


def watermarked_filename(name: str, extension: str | None) -> str:
    if extension is None:
        return f"watermarked_{name}"
    return f"watermarked_{PurePosixPath(name).stem}{extension}"


def safe_worker_name(name: str) -> str:
    # ``|`` separates the fields of the activity log.
    kept = _printable(name.replace("|", "_").replace("/", "_").replace("\\", "_"))
    return kept.encode()[:MAX_FILENAME_BYTES].decode(errors="ignore").rstrip() or "unknown"


def _printable(text: str) -> str:
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    # The joiner is a format character, but holds emoji families together.
    kept = (c for c in text if c in " \u200d" or unicodedata.category(c)[0] not in "CZ")
    return "".join(kept).strip(" .\u200d")
