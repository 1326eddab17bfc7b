"""What a shell offers for a half-typed word; nothing if anything goes wrong."""

import os
from pathlib import Path

from media_processor.addresses import fast_server_url, is_http_url

# A shell that waits longer than this feels broken.
_SECONDS = 0.5


def profile_names(incomplete: str) -> list[str]:
    names = _in_file() if os.environ.get("WATERMARKS") else _on_server()
    return [name for name in ("default", *names) if name.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    from typing import get_args

    from media_processor.messages.media import Status

    return [status for status in get_args(Status) if status.startswith(incomplete)]


def reasons(incomplete: str) -> list[str]:
    from media_processor.pipeline.policy import REASONS

    return [reason for reason in REASONS if reason.startswith(incomplete)]


def stages(incomplete: str) -> list[str]:
    from media_processor.pipeline.stages import CHOICES

    return [choice for choice in CHOICES if choice.startswith(incomplete)]


def _in_file() -> list[str]:
    import tomllib

    try:
        return list(tomllib.loads(Path(os.environ["WATERMARKS"]).expanduser().read_text()))
    except (OSError, ValueError):
        return []


def _on_server() -> list[str]:
    # In a thread of its own, since looking up a host name has no timeout.
    import threading

    found: list[str] = []
    fetch = threading.Thread(target=_fetch, args=(found,), daemon=True)
    fetch.start()
    fetch.join(_SECONDS)
    return list(found)


def _fetch(found: list[str]) -> None:
    import json
    import urllib.request
    from http.client import HTTPException

    url = (os.environ.get("FAST_SERVER_URL") or fast_server_url()).rstrip("/")
    if not is_http_url(url):
        return
    try:
        with urllib.request.urlopen(f"{url}/profiles", timeout=_SECONDS) as answer:  # noqa: S310
            listed = json.loads(answer.read(1_000_000))["profiles"]
            found += [str(one["name"]) for one in listed if one["name"] != "default"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return
