"""``GET /queue``, ``/health`` and ``/ready``: how the system is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from media_processor.errors import QueueUnavailable
from media_processor.fast_server.dependencies import Dependencies, Deps
from media_processor.http.readiness import check_storage, readiness
from media_processor.images.profile import as_message
from media_processor.messages.base import Check, Health, Readiness
from media_processor.messages.fast_server import (
    ProfileList,
    ProfileSummary,
    QueueReport,
    Throughput,
)
from media_processor.pipeline.stages import NAMES
from media_processor.work.media import age_seconds

router = APIRouter()

# A Redis that hangs is as good as away.
_REDIS_SECONDS = 1.0


@router.get("/profiles")
def list_profiles(deps: Deps) -> ProfileList:
    """The profiles that an upload may name."""
    return ProfileList(
        profiles=tuple(
            ProfileSummary(name=name, digest=profile.digest, settings=as_message(profile))
            for name, profile in deps.profiles.all().items()
        )
    )


@router.get("/queue")
async def queue_report(deps: Deps) -> QueueReport:
    """How much there is to do and who does it."""
    return await report(deps)


@router.get("/throughput")
def throughput(deps: Deps) -> Throughput:
    """How many pictures were finished over the last minutes."""
    return deps.backpressure.throughput()


@router.get("/events", response_class=EventSourceResponse)
async def events(
    deps: Deps, last_event_id: Annotated[str | None, Header(max_length=64)] = None
) -> AsyncIterator[ServerSentEvent]:
    """What happens to all pictures and queues, as server-sent events."""
    async with aclosing(deps.feed.follow(last_event_id)) as told:
        async for event in told:
            yield event


async def report(deps: Dependencies) -> QueueReport:
    """How it stands now."""
    unfinished = await asyncio.to_thread(deps.spool.open_ids)
    failed = await asyncio.to_thread(deps.spool.failed_count)
    parked = await asyncio.to_thread(deps.spool.parked_ids)
    load = deps.backpressure.load()
    queues = workers = None
    with suppress(QueueUnavailable, TimeoutError):
        async with asyncio.timeout(_REDIS_SECONDS):
            depths = {name: await deps.queue.depth(name) for name in NAMES}
            queues, workers = depths, tuple(await deps.queue.workers())
    return QueueReport(
        queues=queues,
        workers=workers,
        unfinished=len(unfinished),
        failed=failed + len(parked),
        parked=len(parked),
        oldest_age_seconds=age_seconds(unfinished[0]) if unfinished else None,
        limit=load.limit,
        accepting=load.retry_after_seconds is None,
        retry_after_seconds=load.retry_after_seconds,
        drain_per_second=load.drain_per_second,
    )


@router.get("/health")
async def health() -> Health:
    """The process is alive."""
    return Health()


@router.get("/ready", responses={503: {"model": Readiness, "description": "Something is missing."}})
async def ready(deps: Deps, response: Response) -> Readiness:
    """Every part that taking a picture needs. Without Redis pictures are taken, but wait."""
    floor = deps.settings.min_free_bytes
    checks = await asyncio.to_thread(check_storage, deps.spool.storage, floor)
    checks["redis"] = await _check_redis(deps)
    checks["picture_processes"] = await _check_guards(deps)
    return readiness(checks, response)


async def _check_redis(deps: Dependencies) -> Check:
    try:
        await deps.queue.ping()
    except QueueUnavailable as error:
        return Check(ok=False, detail=error.detail)
    return Check(ok=True, detail="answers")


async def _check_guards(deps: Dependencies) -> Check:
    """Never a reason not to be ready: limits on memory and time hold everywhere."""
    try:
        workers = await deps.queue.workers()
    except QueueUnavailable:
        return Check(ok=True, detail="unknown while Redis is away")
    without = [
        f"{worker.name} has no {' and no '.join(worker.missing_guards)}"
        for worker in workers
        if worker.missing_guards
    ]
    return Check(ok=True, detail="; ".join(without) or "guarded by Landlock and seccomp")
