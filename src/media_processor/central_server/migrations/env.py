"""Runs the migrations with Alembic: one file a revision in ``versions/``, numbered upwards."""

from alembic import context

from media_processor.central_server.catalogue import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
