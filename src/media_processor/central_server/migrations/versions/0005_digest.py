"""An index to find a picture by its digest."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("stored_media_sha256", "stored_media", ["sha256"])


def downgrade() -> None:
    op.drop_index("stored_media_sha256", "stored_media")
