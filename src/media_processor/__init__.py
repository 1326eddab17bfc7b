"""A distributed media processor: every picture branded, none lost."""
