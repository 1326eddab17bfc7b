"""Indexes for the archive sorted by name and by size."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("stored_media_filename", "stored_media", ["filename", "media_id"])
    op.create_index("stored_media_size", "stored_media", ["size", "media_id"])
