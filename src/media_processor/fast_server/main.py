"""Wires the fast server and runs it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TypedDict

from fastapi import FastAPI

from media_processor.background_tasks import BackgroundTasks
from media_processor.central_client import CentralClient
from media_processor.fast_server import archive, events, media, system, thumbnails, uploads
from media_processor.fast_server.backpressure import Backpressure
from media_processor.fast_server.dependencies import Dependencies
from media_processor.fast_server.event_feed import EventFeed
from media_processor.fast_server.health import Health
from media_processor.fast_server.page import serve_page
from media_processor.fast_server.queue_report import report_queue
from media_processor.fast_server.renditions import Renditions
from media_processor.fast_server.witness import Witness
from media_processor.http.application import application
from media_processor.http.serve import serve
from media_processor.jobs.changes import Changes
from media_processor.jobs.keys import keys_of
from media_processor.jobs.queue import open_queue
from media_processor.jobs.systems import Presence
from media_processor.processes import keep_files_private
from media_processor.settings import FastServerSettings
from media_processor.settings.variables import warn_of_misspelt
from media_processor.storage.factory import open_spool_storage
from media_processor.telemetry import start_logging
from media_processor.watermarks.profiles import Profiles
from media_processor.watermarks.tasks import TaskBuilder
from media_processor.work.spool import open_spool

log = logging.getLogger(__name__)

# Generous: no job waits while a stored picture is read back.
_CENTRAL_TIMEOUT = 15.0
_CENTRAL_CONNECTIONS = 32


class _State(TypedDict):
    deps: Dependencies


def create_app(settings: FastServerSettings, stopping: asyncio.Event) -> FastAPI:
    """``stopping`` ends its event streams."""
    profiles = Profiles(settings.watermarks)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        async with (
            _open_dependencies(settings, profiles, stopping) as deps,
            _run_background_tasks(deps),
        ):
            log.info("🚪 accepting pictures on port %d", settings.fast_server_port)
            yield {"deps": deps}

    app = application(
        "fast server",
        lifespan,
        settings,
        public_url=settings.public_url,
        takes_pictures=("/media", "/preview"),
    )
    for module in (uploads, media, events, thumbnails, archive, system):
        app.include_router(module.router)
    serve_page(app)
    return app


@asynccontextmanager
async def _open_dependencies(
    settings: FastServerSettings, profiles: Profiles, stopping: asyncio.Event
) -> AsyncIterator[Dependencies]:
    spool = await asyncio.to_thread(open_spool, settings)
    central = CentralClient(
        settings.central_server_url,
        timeout=_CENTRAL_TIMEOUT,
        connections=_CENTRAL_CONNECTIONS,
    )
    keys = keys_of(settings, spool.identity)
    async with open_queue(settings, keys) as queue:
        feed, background = EventFeed(spool, stopping), BackgroundTasks()
        renditions = Renditions(settings, TaskBuilder(settings, profiles))
        presence = Presence(queue, "fast server", "fast-server", str(settings.uploads_dir))
        try:
            yield Dependencies(
                settings=settings,
                spool=spool,
                queue=queue,
                changes=Changes(queue, feed.notice),
                presence=presence,
                central=central,
                stopping=stopping,
                backpressure=Backpressure(
                    spool, limit=settings.max_unfinished, min_free_bytes=settings.min_free_bytes
                ),
                profiles=profiles,
                feed=feed,
                renditions=renditions,
                witness=Witness(settings.witness_file, central, settings.witness_seconds),
                background=background,
                health=Health(spool, queue, presence, central, background, settings.min_free_bytes),
            )
        finally:
            await renditions.close()
            await central.close()


def _run_background_tasks(deps: Dependencies) -> AbstractAsyncContextManager[None]:
    return deps.background.run(
        changes=deps.changes.listen,
        backpressure=deps.backpressure.watch,
        witness=deps.witness.watch,
        presence=partial(deps.presence.keep_up, partial(_complain, deps.health)),
        page=partial(deps.feed.watch, partial(report_queue, deps)),
    )


async def _complain(health: Health) -> str | None:
    problems = (await health.readiness()).problems
    if "workers" in problems:
        return problems["workers"].detail
    if "work" in problems:  # its numbers change
        return "Accepted pictures don't move on; media-processor doctor says more."
    return None


def run(settings: FastServerSettings) -> None:
    keep_files_private()
    start_logging("fast-server", settings.log_level)
    warn_of_misspelt(log)
    open_spool_storage(settings).probe()
    open_spool(settings)  # what is wrong with it is said in one line, without a traceback
    stopping = asyncio.Event()
    app = create_app(settings, stopping)
    serve(app, settings.bind_host, settings.fast_server_port, "FAST_SERVER_PORT", stopping)
