"""``watch``: sends the pictures that appear in a folder."""
