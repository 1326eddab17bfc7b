import errno
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from arq import Retry

from media_processor.errors import LogoUnavailable
from media_processor.pipeline.stage import Resources
from media_processor.pipeline.stages import FIRST
from media_processor.settings import WorkerSettings
from media_processor.work.media import Media
from media_processor.worker_server.tasks import StageTask
from tests.work.records import accept, spool_in


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
async def test_a_retry_that_can_not_be_noted_happens_all_the_same(
    tmp_path: Path, number: int
) -> None:
    spool = spool_in(tmp_path)
    media_id = accept(spool).record.id

    async def fail(_: Resources, __: Media) -> Mapping[str, object]:
        raise LogoUnavailable("Not yet.")

    unused: Any = None
    resources = Resources(WorkerSettings(), "worker-1", spool, unused, unused, unused)
    stage = replace(FIRST, run=fail)
    task = StageTask(stage, (stage,), resources, unused)
    with (
        patch.object(Path, "write_bytes", side_effect=OSError(number, "refused")),
        pytest.raises(Retry) as retry,
    ):
        await task.run({}, media_id)
    assert cast(int, retry.value.defer_score) == 10_000  # milliseconds


async def test_a_job_is_kept_while_its_spool_is_not_there(tmp_path: Path) -> None:
    """Its disk was unmounted: the job must not be dropped as if the media had been removed."""
    spool = spool_in(tmp_path)
    media_id = accept(spool).record.id
    unused: Any = None
    resources = Resources(WorkerSettings(), "worker-1", spool, unused, unused, unused)
    task = StageTask(FIRST, (FIRST,), resources, unused)
    (tmp_path / "uploads").rename(tmp_path / "unmounted")
    with pytest.raises(Retry):
        await task.run({}, media_id)
    (tmp_path / "unmounted").rename(tmp_path / "uploads")
    await task.run({}, "01a20a66-a48f-7ad5-bb5f-7d611df2d0fa")  # there is none: dropped


async def test_a_job_waits_for_a_spool_that_can_not_be_read(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    media_id = accept(spool).record.id
    unused: Any = None
    resources = Resources(WorkerSettings(), "worker-1", spool, unused, unused, unused)
    task = StageTask(FIRST, (FIRST,), resources, unused)
    with (
        patch.object(io, "open", side_effect=OSError(errno.EMFILE, "Too many open files")),
        pytest.raises(Retry),
    ):
        await task.run({}, media_id)
