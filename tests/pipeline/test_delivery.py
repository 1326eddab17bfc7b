"""Stage 2 against a real central server: what counts as a receipt, and what doesn't."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest

from media_processor.central_client import CentralClient
from media_processor.errors import CentralRefused
from media_processor.fast_server.representations import media_status
from media_processor.messages.media import MAIN_OWNER
from media_processor.pipeline.delivery import EARLIER, deliver
from media_processor.pipeline.stage import Resources
from media_processor.settings import WorkerSettings
from media_processor.work.media import Media
from media_processor.work.spool import Spool
from tests.images.pictures import encoded, photo
from tests.system import System
from tests.work.records import accept, watermark

PICTURE = encoded(photo((40, 30)), "JPEG")


@pytest.fixture
async def resources(spool: Spool, running: System) -> AsyncIterator[Resources]:
    central = CentralClient(f"{running.central_url}/upload-final", timeout=5, connections=1)
    unused: Any = None
    yield Resources(WorkerSettings(), "worker-1", spool, unused, unused, central)
    await central.close()


def archive(running: System, media: Media, content: bytes, owner: str = MAIN_OWNER) -> None:
    fields = {"worker_name": "worker-2", "media_id": media.record.id, "owner": owner}
    files = {"file": ("watermarked_photo.jpg", content, "image/jpeg")}
    assert running.central.post("/upload-final", data=fields, files=files).status_code == 201


def unsent() -> Any:
    return patch.object(CentralClient, "deliver", side_effect=AssertionError("it was sent"))


def tried(spool: Spool, media: Media) -> Media:
    spool.note(media.record.id, "uploading", status="uploading")
    return spool.find(media.record.id)


async def test_an_earlier_version_of_the_same_picture_is_the_receipt(
    resources: Resources, spool: Spool, running: System
) -> None:
    """A power cut lost stage 1's output and the receipt, and stage 1 has another logo now."""
    media = watermark(spool, accept(spool), b"with another logo")
    archive(running, media, PICTURE)

    changes = await deliver(resources, media)
    media_id = media.record.id
    spool.close_stored(media_id, "worker-1", attempted="upload", keep_original=True, **changes)
    result = media_status(spool.find(media_id), resources.central.link).result
    assert result
    assert result.sha256 == hashlib.sha256(PICTURE).hexdigest()
    assert result.size == len(PICTURE)
    assert (result.method, result.notes) == ("unknown", (EARLIER,))


@pytest.mark.parametrize("attempts", [0, 1])
async def test_a_picture_of_somebody_else_is_no_receipt(
    resources: Resources, spool: Spool, running: System, attempts: int
) -> None:
    media = watermark(spool, accept(spool), b"ours")
    archive(running, media, PICTURE, owner="anna")
    if attempts:
        media = tried(spool, media)
    with pytest.raises(CentralRefused, match="different content"):
        await deliver(resources, media)


async def test_a_result_that_is_sent_again_is_noted(
    resources: Resources, spool: Spool, running: System
) -> None:
    ours, somebodys = b"ours " + PICTURE, b"somebody's " + PICTURE
    first = watermark(spool, accept(spool), ours)
    await deliver(resources, first)
    archive(running, accept(spool), somebodys, owner="anna")
    for sent, is_noted in ((ours, True), (somebodys, False), (b"another", False)):
        media = watermark(spool, accept(spool, sent), b"twice " + sent)
        changes = await deliver(resources, media)
        notes = getattr(changes.get("watermarked"), "notes", ())
        assert [first.record.id in note for note in notes] == [True] * is_noted


async def test_a_retry_asks_before_it_sends(
    resources: Resources, spool: Spool, running: System
) -> None:
    media = watermark(spool, accept(spool), PICTURE)
    archive(running, media, PICTURE)
    with unsent():
        changes = await deliver(resources, tried(spool, media))
    assert changes.keys() == {"receipt"}


async def test_a_retry_of_what_is_not_stored_sends_it(
    resources: Resources, spool: Spool, running: System
) -> None:
    media = tried(spool, watermark(spool, accept(spool), PICTURE))
    await deliver(resources, media)
    row = running.central.get(f"/media/{media.record.id}").json()
    assert row["sha256"] == hashlib.sha256(PICTURE).hexdigest()
