"""The servers' default addresses and ports.

Imports nothing: every command and every completion by a shell waits for it.
"""

FAST_SERVER_PORT = 8000
CENTRAL_SERVER_PORT = 8003
FAST_SERVER = f"http://127.0.0.1:{FAST_SERVER_PORT}"


def is_http_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))
