"""Faults under load: what was accepted is counted, and what became of it."""
