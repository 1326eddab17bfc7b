"""The digest of a file, as records have it."""

import hashlib
from pathlib import Path


def digest(file: Path) -> str:
    """SHA-256, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
