"""Durable bytes by key."""
