"""``retry``: has failed pictures tried again."""
