"""The servers' default addresses and ports.

Imports hardly anything: every command and every completion by a shell waits for it.
"""

import os

FAST_SERVER_PORT = 8000
CENTRAL_SERVER_PORT = 8003
FAST_SERVER = f"http://127.0.0.1:{FAST_SERVER_PORT}"


def fast_server_url() -> str:
    """Where a fast server that is started with this environment can be reached."""
    host = host_of(os.environ.get("BIND_HOST") or "127.0.0.1")
    return f"http://{host}:{os.environ.get('FAST_SERVER_PORT') or FAST_SERVER_PORT}"


def host_of(bind: str) -> str:
    """The host part of the URL at which this machine reaches a server bound to ``bind``."""
    bind = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104
    return f"[{bind}]" if ":" in bind else bind


def is_http_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))
