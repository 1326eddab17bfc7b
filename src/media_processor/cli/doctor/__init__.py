"""``doctor``: is all well, and if not, what is to be done."""
