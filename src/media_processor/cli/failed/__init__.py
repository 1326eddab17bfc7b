"""``failed``: the pictures that failed, and why."""
