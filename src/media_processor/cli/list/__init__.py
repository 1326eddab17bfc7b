"""``list``: the pictures that the fast server knows, or those in the archive."""
