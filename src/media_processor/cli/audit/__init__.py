"""``audit verify``: has the activity log been altered?"""
