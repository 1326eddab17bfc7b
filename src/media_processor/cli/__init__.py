"""The command ``media-processor``."""
