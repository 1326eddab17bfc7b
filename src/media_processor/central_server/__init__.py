"""The archive: stores finished pictures, keeps the catalogue and the activity log."""
