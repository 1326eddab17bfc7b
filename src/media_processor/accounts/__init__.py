"""Callers and the owners of their pictures."""
