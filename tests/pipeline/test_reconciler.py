"""What has no job gets one; what is left over goes."""

import errno
import os
from unittest.mock import patch

from media_processor.harness.valkey import Valkey
from media_processor.jobs.queue import Job, JobQueue
from media_processor.pipeline.reconciler import Reconciler
from media_processor.work.spool import Spool
from tests.storage.received import received
from tests.work.records import accept, fail, new_media, store, watermark


async def test_every_unfinished_picture_gets_the_job_it_needs(
    spool: Spool, queue: JobQueue, valkey: Valkey
) -> None:
    fresh, watermarked = accept(spool), watermark(spool, accept(spool))
    store(spool, accept(spool))
    fail(spool, accept(spool))
    reconciler = Reconciler(spool, queue, every=60)

    assert await reconciler.round() == 2
    assert await reconciler.round() == 0  # they are queued now
    for stage, media in (("watermark", fresh), ("upload", watermarked)):
        job_id = queue.keys.job_id(stage, media.record.id)
        assert valkey.client.zrange(queue.keys.queue(stage), 0, -1) == [job_id.encode()]


async def test_a_job_that_waits_for_its_retry_is_left_waiting(
    spool: Spool, queue: JobQueue
) -> None:
    media = watermark(spool, accept(spool))
    await queue.ensure([Job("upload", "upload_to_central_task", media.record.id, delay=60)])
    assert await Reconciler(spool, queue, every=60).round() == 0
    assert (await queue.depth("upload")).retrying == 1


async def test_a_flushed_redis_is_made_whole(spool: Spool, queue: JobQueue, valkey: Valkey) -> None:
    for _ in range(1200):  # more than one batch
        spool.accept(new_media(spool))
    reconciler = Reconciler(spool, queue, every=60)
    assert await reconciler.round() == 1200
    valkey.client.flushall()
    assert await reconciler.round() == 1200


async def test_what_can_not_be_removed_leaves_no_picture_without_a_job(
    spool: Spool, queue: JobQueue
) -> None:
    store(spool, watermark(spool, accept(spool)))
    accept(spool)
    with patch.object(os, "unlink", side_effect=PermissionError(errno.EACCES, "not yours")):
        assert await Reconciler(spool, queue, every=60).round() == 1
    assert len(spool.outputs("watermarked")) == 1


async def test_what_crashes_left_over_is_swept(spool: Spool, queue: JobQueue) -> None:
    media = watermark(spool, accept(spool))
    kept = watermark(spool, accept(spool))
    store(spool, media)
    spool.storage.write(f"watermarked/{media.record.id}", b"left over")
    abandoned = received(spool.storage, b"").path
    os.utime(abandoned, (0, 0))

    await Reconciler(spool, queue, every=60).round()
    assert spool.outputs("watermarked") == [kept.record.id]
    assert not abandoned.exists()
