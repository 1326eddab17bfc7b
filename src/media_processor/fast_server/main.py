"""Wires the fast server and runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TypedDict

from fastapi import FastAPI

from media_processor.central_client import CentralClient
from media_processor.fast_server import archive, operations, pictures, status, uploads
from media_processor.fast_server.feed import Feed
from media_processor.fast_server.page import serve_page
from media_processor.fast_server.parts import Parts
from media_processor.fast_server.pressure import Pressure
from media_processor.fast_server.renditions import Renditions
from media_processor.fast_server.witness import Witness
from media_processor.http.application import application
from media_processor.http.serve import serve
from media_processor.jobs.connection import end
from media_processor.jobs.queue import Changes, open_queue
from media_processor.profiles import Profiles
from media_processor.sandbox.orders import Orders
from media_processor.settings import FastServerSettings
from media_processor.spool import Spool
from media_processor.telemetry import start_logging

log = logging.getLogger(__name__)

# Reading a stored picture back; generous, as nobody's job waits for it.
_CENTRAL_TIMEOUT = 15.0
_CENTRAL_CONNECTIONS = 32


class _State(TypedDict):
    parts: Parts


def create_app(settings: FastServerSettings, stopping: asyncio.Event) -> FastAPI:
    """The gateway as an ASGI application; ``stopping`` ends its event streams."""
    profiles = Profiles(settings.watermarks)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        async with _opened(settings, profiles, stopping) as parts, _helped(parts):
            log.info("🚪 taking pictures on port %d", settings.fast_server_port)
            yield {"parts": parts}

    app = application("fast server", lifespan, max_body_bytes=settings.max_upload_bytes)
    for module in (uploads, status, pictures, archive, operations):
        app.include_router(module.router)
    serve_page(app)
    return app


@asynccontextmanager
async def _opened(
    settings: FastServerSettings, profiles: Profiles, stopping: asyncio.Event
) -> AsyncIterator[Parts]:
    """Everything that the routes need, until the server stops."""
    spool = await asyncio.to_thread(Spool, settings.uploads_dir)
    central = CentralClient(
        settings.central_server_url,
        timeout=_CENTRAL_TIMEOUT,
        connections=_CENTRAL_CONNECTIONS,
    )
    async with open_queue(settings) as queue:
        feed = Feed(spool, stopping)
        renditions = Renditions(settings, Orders(settings, profiles))
        try:
            yield Parts(
                settings=settings,
                spool=spool,
                queue=queue,
                changes=Changes(queue.redis, feed.heard),
                central=central,
                stopping=stopping,
                pressure=Pressure(
                    spool, limit=settings.max_unfinished, min_free_bytes=settings.min_free_bytes
                ),
                profiles=profiles,
                feed=feed,
                renditions=renditions,
                witness=Witness(spool.witness_file, central, settings.witness_seconds),
            )
        finally:
            await renditions.close()
            await central.close()


@asynccontextmanager
async def _helped(parts: Parts) -> AsyncIterator[None]:
    """What goes on beside the requests."""
    helpers = (
        asyncio.create_task(parts.changes.listen()),
        asyncio.create_task(parts.pressure.watch()),
        asyncio.create_task(parts.witness.watch()),
        asyncio.create_task(parts.feed.watch(partial(operations.report, parts))),
    )
    try:
        yield
    finally:
        await end(*helpers)


def run(settings: FastServerSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    start_logging("gateway", settings.log_level)
    stopping = asyncio.Event()
    app = create_app(settings, stopping)
    serve(app, settings.bind_host, settings.fast_server_port, "FAST_SERVER_PORT", stopping)
