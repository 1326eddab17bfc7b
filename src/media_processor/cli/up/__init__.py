"""``up``: runs everything on this machine."""
