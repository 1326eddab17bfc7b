"""``config``: every setting, its value and where that comes from."""
