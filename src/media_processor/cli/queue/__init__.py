"""``queue``: how much there is to do, and who does it."""
