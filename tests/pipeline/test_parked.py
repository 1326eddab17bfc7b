"""Parked pictures are tried again by themselves, with a real central server."""

import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from unittest.mock import patch

import pytest

from media_processor.central_client import CentralClient
from media_processor.errors import QueueUnavailable
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue, open_queue
from media_processor.pipeline.parked import Parked
from media_processor.settings import RedisSettings
from media_processor.work.spool import Spool
from tests.conftest import KEYS
from tests.images.pictures import encoded, photo
from tests.system import System
from tests.work.records import accept, fail, park, store


@pytest.fixture
async def parked(spool: Spool, queue: JobQueue, system: System) -> AsyncIterator[Parked]:
    central = CentralClient(f"{system.central_url}/upload-final", timeout=5, connections=1)
    yield Parked(spool, queue, central, every=60, limit=0)
    await central.close()


@pytest.fixture
async def central(running: System) -> AsyncIterator[CentralClient]:
    """It answers."""
    central = CentralClient(f"{running.central_url}/upload-final", timeout=5, connections=1)
    yield central
    await central.close()


def park_many(spool: Spool, count: int) -> None:
    for _ in range(count):
        park(spool, accept(spool), now() + timedelta(hours=1))


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
    with patch.object(Spool, "progress", side_effect=AssertionError("it was read again")):
        assert await parked.round() == 0
    park_many(spool, 1)
    assert await parked.round() == 1
    parked._not_before[media.record.id] = now()
    assert await parked.round() == 0  # it is read again then
    spool.note(media.record.id, "failed", next_attempt_at=now())
    parked._not_before[media.record.id] = now()
    assert await parked.round() == 1


@pytest.mark.parametrize(("limit", "most"), [(20, 10), (3, 1), (1, 1)])
async def test_as_many_are_reopened_as_leave_half_of_the_limit_to_uploads(
    spool: Spool, queue: JobQueue, central: CentralClient, limit: int, most: int
) -> None:
    parked = Parked(spool, queue, central, every=60, limit=limit)
    park_many(spool, 12)
    uploaded = accept(spool)
    assert await parked.round() == most - 1
    assert len(spool.open_ids()) == most
    assert await parked.round() == 0

    store(spool, uploaded)  # there is room for one
    assert await parked.round() == 1
    assert len(spool.open_ids()) == most
    assert (await queue.depth("watermark")).waiting == most


async def test_one_worker_does_it_for_all(
    spool: Spool, queue: JobQueue, central: CentralClient, valkey: Valkey
) -> None:
    first, second = (Parked(spool, queue, central, every=60, limit=4) for _ in range(2))
    park_many(spool, 9)
    assert await first.round() == 2
    for media_id in spool.open_ids():
        store(spool, spool.find(media_id))
    assert await second.round() == 0
    assert await first.round() == 2

    valkey.client.delete(queue.keys.lease("parked"))  # as if the first had died long ago
    for media_id in spool.open_ids():
        store(spool, spool.find(media_id))
    assert await second.round() == 2
    assert await first.round() == 0


async def test_without_redis_nobody_reopens(spool: Spool, central: CentralClient) -> None:
    settings = RedisSettings.model_validate({"redis_host": "127.0.0.1", "redis_port": free_port()})
    park_many(spool, 1)
    async with open_queue(settings, KEYS) as queue:
        with pytest.raises(QueueUnavailable):
            await Parked(spool, queue, central, every=60, limit=0).round()
    assert len(spool.parked_ids()) == 1


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
