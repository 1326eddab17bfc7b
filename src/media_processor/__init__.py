"""A distributed media processor: every picture watermarked, none lost."""
