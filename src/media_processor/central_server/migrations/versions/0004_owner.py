"""Whose each picture is; those that are there are the main owner's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "stored_media", sa.Column("owner", sa.Text, nullable=False, server_default="main")
    )


def downgrade() -> None:
    op.drop_column("stored_media", "owner")
