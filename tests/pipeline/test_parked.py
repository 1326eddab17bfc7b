"""Parked pictures are tried again by themselves, with a real central server."""

import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from media_processor.central_client import CentralClient
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue
from media_processor.pipeline.parked import Parked
from media_processor.work.spool import Spool
from tests.images.pictures import encoded, photo
from tests.system import System
from tests.work.records import accept, fail, park


@pytest.fixture
async def parked(spool: Spool, queue: JobQueue, system: System) -> AsyncIterator[Parked]:
    central = CentralClient(f"{system.central_url}/upload-final", timeout=5, connections=1)
    yield Parked(spool, queue, central, every=60)
    await central.close()


async def test_nothing_moves_while_the_archive_is_away(parked: Parked, spool: Spool) -> None:
    media = accept(spool)
    park(spool, media, now() - timedelta(seconds=1))
    assert await parked.round() == 0
    assert spool.parked_ids() == [media.record.id]


async def test_all_are_tried_again_when_it_is_back(
    parked: Parked, spool: Spool, queue: JobQueue, system: System
) -> None:
    later = now() + timedelta(hours=1)
    for _ in range(3):
        media = accept(spool)
        park(spool, media, later)
        spool.reopen(media.record.id)
        park(spool, media, later)  # so it has had its first free try
    fail(spool, accept(spool))
    assert await parked.round() == 0
    system.start("central-server")
    system.wait_central()

    assert await parked.round() == 3
    assert len(spool.open_ids()) == 3
    assert spool.failed_count() == 1
    assert (await queue.depth("watermark")).waiting == 3


async def test_an_archive_that_answers_but_refuses_is_asked_slowly(
    parked: Parked, spool: Spool, system: System
) -> None:
    system.start("central-server")
    system.wait_central()
    media = accept(spool)
    park(spool, media, now() + timedelta(hours=1))

    assert await parked.round() == 1  # once at once: it may just have come back
    park(spool, media, now() + timedelta(hours=1))
    assert await parked.round() == 0
    spool.reopen(media.record.id)
    park(spool, media, now())
    assert await parked.round() == 1


def test_an_archive_that_was_away_too_long_loses_none(system: System) -> None:
    system.environment |= {"UPLOAD_RETRY_DELAYS": "0.1,0.1"}
    system.start("fast-server")
    system.start("worker-server", "worker-1")
    system.wait_fast()
    picture = encoded(photo((200, 150)), "JPEG")
    media = [system.upload(picture) for _ in range(5)]
    for one in media:
        failed = system.wait_for(one.id, "failed")
        assert failed.error
        assert failed.error.code == "central_unavailable"
        assert failed.attempts["upload"] == 3
    assert system.queue().parked == 5
    system.start("central-server")
    for one in media:
        system.wait_for(one.id, "stored")
    assert system.queue().failed == 0
    assert len(system.log_lines()) == 5
    system.kill("worker-1", signal.SIGTERM)
