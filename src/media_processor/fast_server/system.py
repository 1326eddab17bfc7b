"""``GET /queue``, ``/profiles``, ``/health``, ``/ready``…: the state of the system."""

import asyncio
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from media_processor.errors import LogoUnavailable, MediaNotFound, UnknownProfile
from media_processor.fast_server.dependencies import Deps
from media_processor.fast_server.queue_report import report_queue
from media_processor.formats import recognise
from media_processor.http.files import DOWNLOAD, PictureFile
from media_processor.http.problems import answers
from media_processor.http.readiness import answer_ready
from media_processor.images.profile import as_message
from media_processor.messages.base import Health, Readiness
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


@router.get(
    "/profiles/{name}/logo",
    response_class=FileResponse,
    responses={**DOWNLOAD, **answers(UnknownProfile, MediaNotFound, LogoUnavailable)},
)
async def get_logo(name: str, deps: Deps) -> PictureFile:
    """The logo of a profile; of variants, the first."""
    logos = await deps.renditions.tasks.logos(deps.profiles.get(name))
    if not logos:
        raise MediaNotFound("This profile draws a text, so it has no logo.")
    return await asyncio.to_thread(_logo_file, logos[0])


def _logo_file(path: Path) -> PictureFile:
    content = path.read_bytes()
    kind = recognise(content)
    answer = PictureFile(
        path.open("rb"),
        filename=path.name,
        content_type=kind.content_type if kind else "image/svg+xml",
        sha256=sha256(content).hexdigest(),
    )
    if content.startswith(b"\x1f\x8b"):  # an .svgz, which browsers inflate
        answer.headers["Content-Encoding"] = "gzip"
    return answer


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
    """The state of everything that pictures need; 503 if they can't be accepted safely."""
    return answer_ready(await deps.health.readiness(), response)
