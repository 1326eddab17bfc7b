"""Stores a picture exactly once: file, catalogue row, log line, in this order."""

import hmac
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from media_processor.central_server.activity_log import ActivityLog, LogLine, format_line
from media_processor.central_server.catalogue import Catalogue, Entry
from media_processor.crash_points import crash_point
from media_processor.errors import MediaConflict, StorageFull
from media_processor.messages import Receipt, StoredMedia, day_folder, now
from media_processor.storage.local import LocalStorage

_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


@dataclass(frozen=True)
class Delivery:
    """A received picture. ``path`` is a file of the storage's incoming(); names are safe."""

    path: Path
    media_id: str
    filename: str
    worker_name: str
    sha256: str
    size: int


class Archive:
    """The pictures, the catalogue and the log, kept in step. One process writes them."""

    def __init__(self, storage: LocalStorage, catalogue: Catalogue, log: ActivityLog) -> None:
        self.storage = storage
        self.catalogue = catalogue
        self.log = log
        self._one_at_a_time = threading.Lock()
        self._log_end = catalogue.log_end()
        self._complete_log()

    def store(self, delivery: Delivery) -> tuple[Receipt, bool]:
        """Store a delivery; its receipt, and whether it is new. Blocks.

        The same media with the same bytes again is answered with the first receipt.

        Raises:
            MediaConflict: the media is stored with other bytes.
            StorageFull: nothing was stored, or what was is completed by the next try.
        """
        crash_point("delivery-received")
        self.storage.sync(delivery.path)  # the slow part, outside the lock
        with self._one_at_a_time:
            entry = self.catalogue.find(delivery.media_id)
            is_new = entry is None
            if entry is None:
                entry = self._put_in_place(delivery)
            elif not hmac.compare_digest(entry.media.sha256, delivery.sha256):
                raise MediaConflict("This media_id is already stored with other bytes.")
            if self.log.size() < entry.line.offset:
                self._complete_log()
            self.log.put(entry.line)
            crash_point("line-written")
            return entry.receipt, is_new

    def file(self, media: StoredMedia) -> Path:
        """The file of a stored picture."""
        return self.storage.path(_key(media.media_id, media.filename))

    def _complete_log(self) -> None:
        """Write the lines whose rows were stored before a crash, or a fault of the log."""
        for line in self.catalogue.lines_from(self.log.size()):
            self.log.put(line)

    def _put_in_place(self, delivery: Delivery) -> Entry:
        key = _key(delivery.media_id, delivery.filename)
        self.storage.publish([(delivery.path, key)])
        crash_point("picture-stored")
        entry = self._entry(delivery, key)
        try:
            self.catalogue.add(entry)
        except StorageFull:
            self.storage.delete(key)
            raise
        self._log_end = entry.line.end
        crash_point("row-added")
        return entry

    def _entry(self, delivery: Delivery, key: str) -> Entry:
        stored_at = now()
        suffix = PurePosixPath(delivery.filename).suffix.lower()
        media = StoredMedia(
            media_id=delivery.media_id,
            filename=delivery.filename,
            worker_name=delivery.worker_name,
            content_type=_CONTENT_TYPES.get(suffix, "application/octet-stream"),
            stored_path=f"{self.storage.root.name}/{key}",
            sha256=delivery.sha256,
            size=delivery.size,
            stored_at=stored_at,
        )
        # Behind the last row's line, even if that line was not written yet.
        offset = max(self._log_end, self.log.size())
        text = format_line(stored_at.astimezone(), delivery.worker_name, delivery.filename)
        return Entry(media, LogLine(offset, text))


def _key(media_id: str, filename: str) -> str:
    return f"{day_folder(media_id)}/{media_id}/{filename}"
