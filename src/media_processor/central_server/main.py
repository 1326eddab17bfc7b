"""Wires the central server and runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import sqlalchemy as sa
from fastapi import FastAPI

from media_processor.central_server import routes
from media_processor.central_server.archive import Archive
from media_processor.central_server.catalogue import Catalogue, open_catalogue
from media_processor.central_server.chain import open_signer
from media_processor.http.problems import add_problem_handlers
from media_processor.http.serve import serve
from media_processor.settings import CentralServerSettings
from media_processor.storage.local import LocalStorage
from media_processor.telemetry import start_logging

log = logging.getLogger(__name__)


class _State(TypedDict):
    archive: Archive
    settings: CentralServerSettings


def create_app(settings: CentralServerSettings) -> FastAPI:
    """The archive as an ASGI application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        archive = await asyncio.to_thread(_open_archive, settings)
        log.info("🏛️ archiving on port %d", settings.central_server_port)
        try:
            yield {"archive": archive, "settings": settings}
        finally:
            archive.catalogue.close()

    app = FastAPI(title="media-processor: central server", version="1", lifespan=lifespan)
    add_problem_handlers(app)
    app.include_router(routes.router)
    return app


def _open_archive(settings: CentralServerSettings) -> Archive:
    storage = LocalStorage(settings.storage_dir)
    storage.sweep_incoming(0)  # only one process writes here, so the last one left these
    catalogue = (
        Catalogue(sa.make_url(settings.database_url.get_secret_value()))
        if settings.database_url
        else open_catalogue(settings.catalogue_file)
    )
    return Archive(
        storage,
        catalogue,
        settings.log_file,
        open_signer(settings.audit_key_file),
        settings.log_rotate_bytes,
    )


def run(settings: CentralServerSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    start_logging("central", settings.log_level)
    app, port = create_app(settings), settings.central_server_port
    serve(app, settings.bind_host, port, "CENTRAL_SERVER_PORT", asyncio.Event())
