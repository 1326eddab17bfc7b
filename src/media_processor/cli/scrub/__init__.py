"""``scrub``: are the stored pictures intact?"""
