"""Each row's place in the hash chain; the rows that are there get theirs in the log's order."""

import sqlalchemy as sa
from alembic import op

from media_processor.central_server.chain import GENESIS, ChainEntry

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("stored_media", sa.Column("sequence", sa.BigInteger))
    op.add_column("stored_media", sa.Column("chain_hash", sa.String(64)))
    _fill()
    op.create_index("stored_media_sequence", "stored_media", ["sequence"], unique=True)


def _fill() -> None:
    table = sa.table(
        "stored_media",
        *(
            sa.column(name)
            for name in (
                "media_id",
                "sha256",
                "log_offset",
                "log_end",
                "log_line",
                "sequence",
                "chain_hash",
            )
        ),
    )
    connection = op.get_bind()
    previous, offset, sequence = GENESIS, -1, 0
    query = sa.select(table).order_by(table.c.log_offset).limit(1000)
    while rows := connection.execute(query.where(table.c.log_offset > offset)).all():
        for row in rows:
            sequence, offset = sequence + 1, row.log_offset
            entry = ChainEntry(
                sequence=sequence,
                offset=offset,
                length=row.log_end - offset,
                line=row.log_line.removesuffix("\n"),
                media_id=row.media_id,
                sha256=row.sha256,
                previous=previous,
            )
            previous = entry.hash
            connection.execute(
                table.update()
                .where(table.c.media_id == row.media_id)
                .values(sequence=sequence, chain_hash=previous)
            )


def downgrade() -> None:
    op.drop_index("stored_media_sequence", "stored_media")
    op.drop_column("stored_media", "chain_hash")
    op.drop_column("stored_media", "sequence")
