"""Records of media in every state, as the spool's users make them."""

import hashlib
import time
from datetime import datetime
from pathlib import Path

from media_processor.ids import now
from media_processor.messages.media import Failure, Receipt, WatermarkResult
from media_processor.settings import SpoolSettings
from media_processor.work.media import Media, NewMedia
from media_processor.work.spool import Spool, open_spool
from tests.storage.received import received


def spool_in(data: Path) -> Spool:
    return open_spool(SpoolSettings(media_data_dir=data))


def new_media(spool: Spool, content: bytes = b"picture") -> NewMedia:
    return NewMedia(
        original=received(spool.storage, content),
        filename="photo.jpg",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content_type="image/jpeg",
        width=4,
        height=3,
        profile="default",
    )


def accept(spool: Spool, content: bytes = b"picture", key: str | None = None) -> Media:
    time.sleep(0.002)  # ids of one millisecond have no order
    return spool.accept(new_media(spool, content), key)


def watermark(spool: Spool, media: Media, content: bytes = b"watermarked") -> Media:
    made = received(spool.storage, content)
    watermarked = WatermarkResult(
        content_type="image/jpeg",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        width=4,
        height=3,
        method="decode",
    )
    spool.keep_watermark(media.record.id, made, watermarked, "worker-1", attempted="watermark")
    return spool.find(media.record.id)


def receipt(media: Media) -> Receipt:
    return Receipt(
        media_id=media.record.id, stored_path="x", sha256="0" * 64, size=1, stored_at=now()
    )


def store(spool: Spool, media: Media, *, keep_original: bool = True) -> None:
    spool.close_stored(
        media.record.id,
        "worker-1",
        attempted="upload",
        keep_original=keep_original,
        receipt=receipt(media),
    )


def fail(spool: Spool, media: Media) -> None:
    failure = Failure(code="broken_picture", detail="It is broken.")
    spool.close_failed(media.record.id, failure, "worker-1", attempted="watermark")


def park(spool: Spool, media: Media, until: datetime) -> None:
    failure = Failure(code="central_unavailable", detail="No answer.")
    spool.close_failed(media.record.id, failure, "worker-1", attempted="upload", parked_until=until)
