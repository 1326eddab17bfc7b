"""A third stage takes one row and one function: here, one that writes a file for each picture.

The worker runs in this process with a real Valkey, a real spool, real picture processes and a
real central server.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from media_processor.errors import MediaProcessorError, StorageFailing
from media_processor.harness.waiting import wait_until_async
from media_processor.ids import now
from media_processor.jobs.keys import keys_of
from media_processor.jobs.queue import open_queue
from media_processor.pipeline.policy import Verdict
from media_processor.pipeline.reconciler import Reconciler
from media_processor.pipeline.stage import Resources, Stage
from media_processor.pipeline.stages import STAGES
from media_processor.settings import WorkerSettings
from media_processor.work.media import Media
from media_processor.work.spool import Spool, open_spool
from media_processor.worker_server.main import work
from tests.images.pictures import encoded, photo
from tests.system import System
from tests.work.records import accept, receipt, watermark

_NOTICES = "notices"


async def _notify(resources: Resources, media: Media) -> Mapping[str, object]:
    folder = resources.settings.media_data_dir / _NOTICES
    if media.progress.attempts["notify"] == 0:
        raise StorageFailing("Not yet.")
    folder.mkdir(exist_ok=True)
    assert media.progress.receipt
    (folder / media.record.id).write_text(media.progress.receipt.stored_path)
    return {}


def _judge(_: MediaProcessorError, attempts: int, __: WorkerSettings) -> Verdict:
    return Verdict(0.1 if attempts < 3 else None, counts=True)


# The row.
_NOTIFY = Stage(name="notify", task="notify_task", run=_notify, judge=_judge, slots=lambda _: 2)
_THREE = (*STAGES, _NOTIFY)


@pytest.fixture
def settings(system: System, monkeypatch: pytest.MonkeyPatch) -> WorkerSettings:
    for name, value in system.environment.items():
        monkeypatch.setenv(name, value)
    return WorkerSettings()


@pytest.fixture
def spool(settings: WorkerSettings) -> Spool:
    return open_spool(settings)


@asynccontextmanager
async def working(settings: WorkerSettings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(work(settings, stop, _THREE, _THREE))
    try:
        yield
    finally:
        stop.set()
        await running


async def test_a_picture_passes_all_three(
    system: System, settings: WorkerSettings, spool: Spool
) -> None:
    system.start("central-server")
    system.wait_central()
    media_id = accept(spool, encoded(photo((200, 150)), "JPEG")).record.id
    async with working(settings):
        await wait_until_async(lambda: _is_stored(spool, media_id), "the picture is stored")

    media = spool.find(media_id)
    assert media.progress.attempts.root == {"watermark": 1, "upload": 1, "notify": 2}
    assert media.progress.receipt
    notice = settings.media_data_dir / _NOTICES / media_id
    assert notice.read_text() == media.progress.receipt.stored_path
    assert len(system.log_lines()) == 1


async def test_the_reconciler_gives_each_picture_the_stage_it_needs(
    settings: WorkerSettings, spool: Spool
) -> None:
    fresh, watermarked = accept(spool), watermark(spool, accept(spool))
    delivered, finished = (watermark(spool, accept(spool)) for _ in range(2))
    for media in (delivered, finished):
        spool.keep_done(media.record.id, "upload", "worker-1", {"receipt": receipt(media)})
    spool.close_stored(finished.record.id, "worker-1", attempted="notify", keep_original=True)

    keys = keys_of(settings, spool.identity)
    async with open_queue(settings, keys) as queue:
        reconciler = Reconciler(spool, queue, 60, _THREE)
        assert await reconciler.round() == 3
        assert await reconciler.round() == 0
        queued = {
            stage.name: await queue.redis.zrange(keys.queue(stage.name), 0, -1) for stage in _THREE
        }
    assert queued == {
        name: [keys.job_id(name, media.record.id).encode()]
        for name, media in (("watermark", fresh), ("upload", watermarked), ("notify", delivered))
    }
    assert spool.outputs(_THREE[1].done_folder) == [delivered.record.id]


async def test_it_goes_on_where_it_was_after_redis_lost_everything(
    system: System, settings: WorkerSettings, spool: Spool
) -> None:
    """No central server runs: what is delivered must not be delivered again."""
    media = watermark(spool, accept(spool))
    done = {"receipt": receipt(media), "next_attempt_at": now()}
    spool.keep_done(media.record.id, "upload", "worker-1", done)
    system.valkey.client.flushall()
    async with working(settings):
        await wait_until_async(
            lambda: _is_stored(spool, media.record.id), "the reconciler brought it on"
        )
    assert spool.progress(media.record.id).attempts.root["notify"] == 2
    assert (settings.media_data_dir / _NOTICES / media.record.id).exists()


async def _is_stored(spool: Spool, media_id: str) -> bool:
    return spool.find(media_id).place == "stored"
