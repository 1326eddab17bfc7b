"""``profiles``: lists the profiles, draws a preview of one."""
