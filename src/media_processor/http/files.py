"""Files from outside, handed out so that no browser takes them for anything but a picture."""

from urllib.parse import quote


def file_headers(filename: str) -> dict[str, str]:
    """Headers of an answer that is a file; its content type must be a fixed one."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(filename)}",
    }
