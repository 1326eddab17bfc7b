"""Stage 1 works on the bytes that were accepted, or not at all."""

from typing import Any

import pytest

from media_processor.errors import SpoolDamaged
from media_processor.pipeline.stage import Resources
from media_processor.pipeline.watermarking import watermark
from media_processor.settings import WorkerSettings
from media_processor.work.spool import Spool
from tests.work.records import accept


async def test_an_original_that_has_changed_is_not_watermarked(spool: Spool) -> None:
    media = accept(spool)
    with spool.local_original(media.record) as original:
        original.write_bytes(original.read_bytes() + b" and more")
    unused: Any = None
    resources = Resources(WorkerSettings(), "worker-1", spool, unused, unused, unused)
    with pytest.raises(SpoolDamaged, match="has changed since it was accepted"):
        await watermark(resources, media)
