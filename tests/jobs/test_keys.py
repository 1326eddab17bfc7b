"""The key grammar is ARQ's own where ARQ has one, and one system's names are no other's."""

from pathlib import Path

from arq import constants

from media_processor.jobs import keys
from media_processor.jobs.keys import Keys, keys_of
from media_processor.pipeline.stages import FIRST
from media_processor.settings import WorkerSettings

KEYS = Keys("blue", "0123456789ab")


def test_prefixes_are_arqs() -> None:
    assert constants.job_key_prefix == keys.JOB_PREFIX
    assert constants.in_progress_key_prefix == keys.IN_PROGRESS_PREFIX
    assert constants.retry_key_prefix == keys.RETRY_PREFIX


def test_the_names_on_the_wire_stay() -> None:
    job = FIRST.job("01a2")
    job_id = KEYS.job_id(job.queue, job.media_id)
    assert KEYS.of_job(job.queue, job_id) == [
        "arq:queue:blue:watermark",
        "arq:job:blue:watermark:01a2",
        "arq:in-progress:blue:watermark:01a2",
        "arq:retry:blue:watermark:01a2",
        "arq:queue:blue:watermark:wake-up",
    ]
    assert keys.media_of(job_id) == "01a2"
    assert KEYS.heartbeat(keys.worker_id("w", job.queue)) == "media:blue:worker:w:watermark"
    assert (KEYS.workers, KEYS.changes) == ("media:blue:workers", "media:blue:changes")


def test_every_name_is_within_the_documented_rights() -> None:
    job = KEYS.of_job("upload", KEYS.job_id("upload", "01a2"))
    ours = [KEYS.owner, KEYS.workers, KEYS.changes, KEYS.heartbeat("w"), keys.SYSTEMS]
    assert all(name.startswith(("arq:", "media:")) for name in (*job, *ours, *keys.PROBES))


def test_the_prefix_is_the_spools_identity_unless_another_is_set(tmp_path: Path) -> None:
    settings = WorkerSettings(media_data_dir=tmp_path)
    found = keys_of(settings, "0123456789ab")
    assert (found.prefix, found.spool) == ("0123456789ab", "0123456789ab")
    assert found.place.endswith(f" {tmp_path}/uploads")
    named = keys_of(settings.model_copy(update={"redis_prefix": "blue"}), "0123456789ab")
    assert (named.prefix, named.spool) == ("blue", "0123456789ab")
