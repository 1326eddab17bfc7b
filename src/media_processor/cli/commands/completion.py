"""What a shell is offered for a half-typed word. Whatever goes wrong here offers nothing."""

import os
import threading
import tomllib
import urllib.request
from pathlib import Path

from media_processor.addresses import FAST_SERVER, is_http_url

# A shell that waits longer than this feels broken.
_PATIENCE = 0.5


def profile_names(incomplete: str) -> list[str]:
    """Profiles of the file that WATERMARKS names, or else of the fast server."""
    names = _of_file() if os.environ.get("WATERMARKS") else _of_server()
    return [name for name in ("default", *names) if name.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    """Every status that a media may have."""
    from typing import get_args

    from media_processor.messages.media import Status

    return [status for status in get_args(Status) if status.startswith(incomplete)]


def reasons(incomplete: str) -> list[str]:
    """Every reason that a media may fail for."""
    from media_processor.pipeline.policy import REASONS

    return [reason for reason in REASONS if reason.startswith(incomplete)]


def stages(incomplete: str) -> list[str]:
    """What ``worker-server --stage`` takes."""
    from media_processor.pipeline.stages import CHOICES

    return [choice for choice in CHOICES if choice.startswith(incomplete)]


def _of_file() -> list[str]:
    try:
        return list(tomllib.loads(Path(os.environ["WATERMARKS"]).expanduser().read_text()))
    except (OSError, ValueError):
        return []


def _of_server() -> list[str]:
    """In a thread of its own: looking up a name has no timeout."""
    found: list[str] = []
    asking = threading.Thread(target=_ask, args=(found,), daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return list(found)


def _ask(found: list[str]) -> None:
    import json
    from http.client import HTTPException

    url = (os.environ.get("FAST_SERVER_URL") or FAST_SERVER).rstrip("/")
    if not is_http_url(url):
        return
    try:
        with urllib.request.urlopen(f"{url}/profiles", timeout=_PATIENCE) as answer:  # noqa: S310
            listed = json.loads(answer.read(1_000_000))["profiles"]
            found += [str(one["name"]) for one in listed if one["name"] != "default"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return
