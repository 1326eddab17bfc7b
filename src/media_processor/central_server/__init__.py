"""The central server: stores finished pictures, keeps the catalogue and the activity log."""
