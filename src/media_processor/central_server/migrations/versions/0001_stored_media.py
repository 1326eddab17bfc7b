"""The table of stored pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "stored_media",
        sa.Column("media_id", sa.String(36), primary_key=True),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("worker_name", sa.Text, nullable=False),
        sa.Column("content_type", sa.String(64), nullable=False),
        sa.Column("stored_path", sa.Text, nullable=False, unique=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.String(32), nullable=False),
        sa.Column("log_offset", sa.BigInteger, nullable=False, unique=True),
        sa.Column("log_end", sa.BigInteger, nullable=False, unique=True),
        sa.Column("log_line", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("stored_media")
