"""Whether accepted pictures move on, as ``GET /ready`` says it."""

import time
from uuid import UUID

import pytest

from media_processor.fast_server.movement import check_work, check_workers
from media_processor.ids import new_media_id, now
from media_processor.jobs.queue import JobQueue
from media_processor.jobs.systems import Presence
from media_processor.messages.fast_server import LiveWorker, QueueDepth


def workers(*stages: str) -> tuple[LiveWorker, ...]:
    return tuple(
        LiveWorker(name="w-1", stage=stage, running=0, started_at=now()) for stage in stages
    )


def depths(waiting: int = 0, running: int = 0, retrying: int = 0) -> list[QueueDepth]:
    idle = QueueDepth(waiting=0, running=0, retrying=0)
    return [idle, QueueDepth(waiting=waiting, running=running, retrying=retrying)]


@pytest.fixture
def presence(queue: JobQueue) -> Presence:
    return Presence(queue, "fast server", "fast-server", "/a/uploads")


@pytest.mark.parametrize(
    ("found", "state", "detail"),
    [
        (workers("watermark", "upload"), "ok", "w-1 (watermark), w-1 (upload)"),
        ((), "error", "No worker works on this spool (/a/uploads). Start one: media-processor"),
        (workers("watermark"), "error", "No worker runs the stage upload. Start one:"),
    ],
)
async def test_workers(
    presence: Presence, found: tuple[LiveWorker, ...], state: str, detail: str
) -> None:
    check = check_workers(found, presence)
    assert (check.ok, check.state) == (True, state)
    assert check.detail.startswith(detail)


@pytest.mark.parametrize(
    ("age", "depths", "state", "detail"),
    [
        (5, depths(), "ok", "2 unfinished, the oldest for 5 s"),
        (900, depths(running=1), "ok", "2 unfinished, the oldest for 15 min"),
        (900, depths(retrying=1), "ok", "2 unfinished, the oldest for 15 min"),
        (
            900,
            depths(),
            "warning",
            "2 unfinished, the oldest for 15 min, and none of them is queued",
        ),
        (
            200_000,
            depths(waiting=3),
            "warning",
            "2 unfinished, the oldest for 2 days, and no worker takes them",
        ),
    ],
)
def test_work(age: int, depths: list[QueueDepth], state: str, detail: str) -> None:
    check = check_work([_accepted_before(age), new_media_id()], depths)
    assert (check.ok, check.state, check.detail) == (True, state, detail)


def test_no_work() -> None:
    assert check_work([], depths()).detail == "nothing is unfinished"


def _accepted_before(seconds: int) -> str:
    rest = UUID(new_media_id()).int & ((1 << 80) - 1)
    return str(UUID(int=int((time.time() - seconds) * 1000) << 80 | rest))
