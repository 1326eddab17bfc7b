"""The key grammar is ARQ's own where ARQ has one, and what runs today stays readable."""

from arq import constants

from media_processor.jobs import keys
from media_processor.pipeline.stages import FIRST


def test_prefixes_are_arqs() -> None:
    assert constants.job_key_prefix == keys.JOB_PREFIX
    assert constants.in_progress_key_prefix == keys.IN_PROGRESS_PREFIX
    assert constants.retry_key_prefix == keys.RETRY_PREFIX


def test_the_names_on_the_wire_stay() -> None:
    job = FIRST.job("01a2")
    assert keys.job_keys(job.queue, job.job_id) == [
        "arq:queue:watermark",
        "arq:job:watermark:01a2",
        "arq:in-progress:watermark:01a2",
        "arq:retry:watermark:01a2",
        "arq:queue:watermark:wake-up",
    ]
    assert keys.media_of(job.job_id) == "01a2"
    assert keys.heartbeat_key(keys.worker_id("w", job.queue)) == "media:worker:w:watermark"


def test_only_a_queue_lasts_for_ever() -> None:
    assert keys.is_queue_key(keys.queue_key("upload"))
    assert not keys.is_queue_key(keys.wakeup_key("upload"))
    assert not keys.is_queue_key(keys.WORKERS)
