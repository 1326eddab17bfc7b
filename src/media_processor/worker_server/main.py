"""Wires the worker server and runs it until it is stopped."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import uvloop

from media_processor.background_tasks import BackgroundTasks
from media_processor.central_client import CentralClient
from media_processor.filenames import safe_worker_name
from media_processor.images import native_core
from media_processor.jobs.connection import OutageLog
from media_processor.jobs.keys import keys_of
from media_processor.jobs.queue import open_queue
from media_processor.jobs.systems import Presence
from media_processor.jobs.worker import LeasedWorker
from media_processor.pipeline.parked import Parked
from media_processor.pipeline.reconciler import Reconciler
from media_processor.pipeline.stage import Resources, Stage
from media_processor.pipeline.stages import STAGES, stages_of
from media_processor.processes import keep_files_private
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import WorkerSettings
from media_processor.settings.variables import warn_of_misspelt
from media_processor.storage.factory import open_spool_storage
from media_processor.telemetry import start_logging
from media_processor.watermarks.tasks import TaskBuilder
from media_processor.work.spool import Spool, open_spool
from media_processor.worker_server.queue_log import log_queue_depths
from media_processor.worker_server.tasks import StageTask

log = logging.getLogger(__name__)


def run(settings: WorkerSettings, choice: str) -> None:
    keep_files_private()
    start_logging(safe_worker_name(settings.hostname), settings.log_level)
    warn_of_misspelt(log)
    open_spool_storage(settings).probe()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signal(settings, stages_of(choice)))


async def _until_signal(settings: WorkerSettings, chosen: Sequence[Stage]) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await work(settings, stop, chosen)
    log.info("👋 stopped")


async def work(
    settings: WorkerSettings,
    stop: asyncio.Event,
    chosen: Sequence[Stage],
    stages: tuple[Stage, ...] = STAGES,
) -> None:
    spool = await asyncio.to_thread(open_spool, settings)
    keys = keys_of(settings, spool.identity)
    async with (
        open_queue(settings, keys) as queue,
        _resources(settings, chosen, spool) as resources,
    ):
        outage, background = OutageLog(), BackgroundTasks()
        workers = [
            LeasedWorker(
                stage.name,
                stage.task,
                StageTask(stage, stages, resources, queue).run,
                settings=settings,
                keys=keys,
                outage=outage,
                name=resources.worker,
                slots=stage.slots(settings),
                lease=settings.lease_seconds,
                missing_guards=(
                    resources.sandbox.missing_guards if stage.needs_picture_processes else ()
                ),
                unreadable=queue.unreadable,
                trouble=lambda: background.report() or queue.unreadable.report(),
            )
            for stage in chosen
        ]
        folder, runs = str(settings.uploads_dir), tuple(stage.name for stage in chosen)
        presence = Presence(queue, "worker", resources.worker, folder, runs)
        parked = Parked(
            spool,
            queue,
            resources.central,
            every=settings.reconcile_seconds,
            limit=settings.max_unfinished,
        )
        async with background.run(
            reconciler=Reconciler(spool, queue, settings.reconcile_seconds, stages).run,
            parked=parked.run,
            queue_log=partial(log_queue_depths, queue, [stage.name for stage in stages]),
            presence=partial(presence.keep_up, partial(_complain, presence)),
        ):
            count = _processes(settings, chosen)
            log.info("👷 ready: %s, %d picture processes", ", ".join(runs), count)
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker.work(stop, settings.shutdown_seconds))


def _processes(settings: WorkerSettings, chosen: Sequence[Stage]) -> int:
    needed = any(stage.needs_picture_processes for stage in chosen)
    return settings.watermark_processes if needed else 0


@asynccontextmanager
async def _resources(
    settings: WorkerSettings, chosen: Sequence[Stage], spool: Spool
) -> AsyncIterator[Resources]:
    tasks = TaskBuilder(settings)
    central = CentralClient(
        settings.central_server_url,
        timeout=settings.upload_timeout,
        connections=settings.upload_concurrency,
    )
    sandbox = Sandbox(
        _processes(settings, chosen),
        memory_bytes=settings.watermark_memory_bytes,
        timeout=settings.watermark_timeout,
        folder=spool.storage.picture_process_folder,
    )
    await sandbox.start()
    if missing := sandbox.missing_guards:
        log.warning(
            "⚠️ picture processes run without %s, which this kernel lacks", " and ".join(missing)
        )
    if _processes(settings, chosen) and not native_core.is_installed():
        log.info(
            "🐢 the native core isn't installed, so every picture is decoded; see docs/splice.md"
        )
    if not settings.logo_is_set:
        log.warning(
            "⚠️ LOGO is not set, so pictures get Google's logo, fetched from its site. Set LOGO to "
            "the URL or file of your own."
        )
    try:
        worker = safe_worker_name(settings.hostname)
        yield Resources(settings, worker, spool, sandbox, tasks, central)
    finally:
        await sandbox.close()
        await central.close()


async def _complain(presence: Presence) -> str | None:
    # Without a fast server a worker finishes what is there: nothing is wrong with that.
    alone = presence.why_alone("fast server") if presence.strangers("fast server") else None
    return presence.namesake() or alone
