"""``get``: downloads pictures from the fast server."""
