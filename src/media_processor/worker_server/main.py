"""Wires the worker server and runs it until it is told to stop."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvloop

from media_processor.cancellation import cancel_and_wait
from media_processor.central_client import CentralClient
from media_processor.errors import QueueUnavailable
from media_processor.filenames import safe_worker_name
from media_processor.images import splice
from media_processor.jobs.queue import JobQueue, open_queue
from media_processor.jobs.worker import LeasedWorker
from media_processor.pipeline.parked import Parked
from media_processor.pipeline.reconciler import Reconciler
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import Stage, WorkerSettings
from media_processor.telemetry import start_logging
from media_processor.watermarks.tasks import TaskBuilder
from media_processor.work.spool import open_spool
from media_processor.worker_server.tasks import Tasks

log = logging.getLogger(__name__)

_DEPTH_EVERY = 5.0


def run(settings: WorkerSettings, stage: Stage) -> None:
    """Work on the queues of ``stage`` until SIGTERM or SIGINT."""
    name = safe_worker_name(settings.hostname)
    start_logging(name, settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, stage, name))


async def _work(settings: WorkerSettings, stage: Stage, name: str) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with _tasks(settings, stage, name) as tasks:
        helpers = [
            asyncio.create_task(
                Reconciler(tasks.spool, tasks.queue, settings.reconcile_seconds).run()
            ),
            asyncio.create_task(
                Parked(tasks.spool, tasks.queue, tasks.central, settings.reconcile_seconds).run()
            ),
            asyncio.create_task(_report_depth(tasks.queue)),
        ]
        workers = _workers(settings, stage, tasks)
        log.info("👷 ready: stage %s, %d picture processes", stage, settings.watermark_processes)
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker.work(stop, settings.shutdown_seconds))
        finally:
            await cancel_and_wait(*helpers)
    log.info("👋 stopped")


@asynccontextmanager
async def _tasks(settings: WorkerSettings, stage: Stage, name: str) -> AsyncIterator[Tasks]:
    tasks = TaskBuilder(settings)
    spool = await asyncio.to_thread(open_spool, settings.uploads_dir)
    central = CentralClient(
        settings.central_server_url,
        timeout=settings.upload_timeout,
        connections=settings.upload_concurrency,
    )
    sandbox = Sandbox(
        settings.watermark_processes if stage != "upload" else 0,
        memory_bytes=settings.watermark_memory_bytes,
        timeout=settings.watermark_timeout,
        writable=[spool.storage.incoming_folder],
    )
    async with open_queue(settings) as queue:
        await sandbox.start()
        if missing := sandbox.missing_guards:
            log.warning("⚠️ this kernel has no %s for picture processes", " and no ".join(missing))
        if stage != "upload" and not splice.is_installed():
            log.info("🐢 no native core: every picture is decoded, see docs/splice.md")
        try:
            yield Tasks(settings, name, spool, queue, sandbox, tasks, central)
        finally:
            await sandbox.close()
            await central.close()


def _workers(settings: WorkerSettings, stage: Stage, tasks: Tasks) -> list[LeasedWorker]:
    workers = []
    if stage in ("watermark", "both"):
        workers.append(
            LeasedWorker(
                "watermark",
                tasks.watermark_image_task,
                settings=settings,
                name=tasks.worker,
                # One more than there are processes: while it waits, its picture's successor
                # is already claimed, so no process stands idle between two pictures.
                slots=settings.watermark_processes + 1,
                lease=settings.lease_seconds,
                missing_guards=tasks.sandbox.missing_guards,
            )
        )
    if stage in ("upload", "both"):
        workers.append(
            LeasedWorker(
                "upload",
                tasks.upload_to_central_task,
                settings=settings,
                name=tasks.worker,
                slots=settings.upload_concurrency,
                lease=settings.lease_seconds,
            )
        )
    return workers


async def _report_depth(queue: JobQueue) -> None:
    last = ""
    while True:
        with suppress(QueueUnavailable):
            depths = await queue.depths()
            report = " | ".join(
                f"{name} {at.waiting} waiting, {at.running} running, {at.retrying} retrying"
                for name, at in depths.items()
            )
            if report != last:
                log.info("📊 queue %s", report)
                last = report
        await asyncio.sleep(_DEPTH_EVERY)
