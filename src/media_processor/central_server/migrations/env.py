"""Run by Alembic with the catalogue's own connection."""

from alembic import context

from media_processor.central_server.catalogue import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
