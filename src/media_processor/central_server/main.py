"""Wires the central server and runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypedDict

from fastapi import FastAPI

from media_processor.central_server import routes
from media_processor.central_server.archive import Archive
from media_processor.central_server.audit import CheckedLog
from media_processor.central_server.catalogue import open_catalogue
from media_processor.central_server.chain import open_signer
from media_processor.errors import SetupError
from media_processor.file_locks import AlreadyLocked, hold_folder
from media_processor.http.application import application
from media_processor.http.serve import check_port, serve
from media_processor.processes import keep_files_private
from media_processor.settings import CentralServerSettings
from media_processor.settings.variables import warn_of_misspelt
from media_processor.storage.factory import open_archive_storage
from media_processor.telemetry import start_logging

log = logging.getLogger(__name__)


class _State(TypedDict):
    archive: Archive
    checked_log: CheckedLog
    settings: CentralServerSettings


def create_app(settings: CentralServerSettings, archive: Archive | None) -> FastAPI:
    """Without an archive it can only generate its OpenAPI description."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        if archive is None:
            raise ValueError("the application needs an archive to serve requests")
        log.info("🏛️ central server listening on port %d", settings.central_server_port)
        checked_log = CheckedLog(settings.log_file, archive.signer.public)
        yield {"archive": archive, "checked_log": checked_log, "settings": settings}

    app = application(
        "central server",
        lifespan,
        settings,
        takes_pictures=("/upload-final",),
        not_for_browsers=("/upload-final",),
    )
    app.include_router(routes.router)
    return app


@contextmanager
def _hold_alone(folder: Path) -> Iterator[None]:
    try:
        with hold_folder(folder):
            yield
    except AlreadyLocked:
        raise SetupError(
            f"Another central server is using {folder}. Stop it, or set MEDIA_DATA_DIR "
            "to another folder."
        ) from None


@contextmanager
def _open_archive(settings: CentralServerSettings) -> Iterator[Archive]:
    storage = open_archive_storage(settings)
    with _hold_alone(settings.locked_dir):
        storage.sweep_incoming(0)  # nobody else writes here: a crash left these
        storage.probe(creating=False)
        catalogue = open_catalogue(settings.catalogue)
        signer = open_signer(settings.audit_key_file)
        try:
            yield Archive(storage, catalogue, settings.log_file, signer, settings.log_rotate_bytes)
        finally:
            catalogue.close()


def run(settings: CentralServerSettings) -> None:
    keep_files_private()
    start_logging("central", settings.log_level)
    warn_of_misspelt(log)
    port = settings.central_server_port
    check_port(settings.bind_host, port, "CENTRAL_SERVER_PORT")
    with _open_archive(settings) as archive:
        app = create_app(settings, archive)
        serve(app, settings.bind_host, port, "CENTRAL_SERVER_PORT", asyncio.Event())
