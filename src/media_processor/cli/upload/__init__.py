"""``upload``: sends pictures to the fast server."""
