"""``GET /queue``, ``/profiles``, ``/health``, ``/ready``…: the state of the system."""

import asyncio

from fastapi import APIRouter, Response

from media_processor.errors import QueueUnavailable
from media_processor.fast_server.dependencies import Dependencies, Deps
from media_processor.fast_server.queue_report import report_queue
from media_processor.http.readiness import check_storage, readiness
from media_processor.images.profile import as_message
from media_processor.messages.base import Check, Health, Readiness
from media_processor.messages.fast_server import (
    ProfileList,
    ProfileSummary,
    QueueReport,
    Throughput,
)

router = APIRouter()


@router.get("/profiles")
def list_profiles(deps: Deps) -> ProfileList:
    """The profiles that an upload can use."""
    return ProfileList(
        profiles=tuple(
            ProfileSummary(name=name, digest=profile.digest, settings=as_message(profile))
            for name, profile in deps.profiles.all().items()
        )
    )


@router.get("/queue")
async def queue_report(deps: Deps) -> QueueReport:
    """Queue depths, workers and unfinished pictures."""
    return await report_queue(deps)


@router.get("/throughput")
def throughput(deps: Deps) -> Throughput:
    """Pictures finished over the last minutes."""
    return deps.backpressure.throughput()


@router.get("/health")
async def health() -> Health:
    """200 while the process is alive."""
    return Health()


@router.get(
    "/ready", responses={503: {"model": Readiness, "description": "At least one check failed."}}
)
async def ready(deps: Deps, response: Response) -> Readiness:
    """Whether Redis, storage and disk are ready to accept a picture."""
    floor = deps.settings.min_free_bytes
    checks = await asyncio.to_thread(check_storage, deps.spool.storage, floor)
    checks["redis"] = await _check_redis(deps)
    checks["picture_processes"] = await _check_guards(deps)
    return readiness(checks, response)


async def _check_redis(deps: Dependencies) -> Check:
    try:
        await deps.queue.check()
    except QueueUnavailable as error:
        return Check(ok=False, detail=error.detail)
    return Check(ok=True, detail="reachable")


async def _check_guards(deps: Dependencies) -> Check:
    # Never a failed check: the limits on memory and time hold without these guards too.
    try:
        workers = await deps.queue.workers()
    except QueueUnavailable:
        return Check(ok=True, detail="unknown: Redis can't be reached")
    without = [
        f"{worker.name} lacks {' and '.join(worker.missing_guards)}"
        for worker in workers
        if worker.missing_guards
    ]
    return Check(ok=True, detail="; ".join(without) or "guarded by Landlock and seccomp")
