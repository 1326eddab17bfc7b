"""Stores a picture exactly once: file, catalogue row, chain entry, log line, in this order."""

import hmac
import threading
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from media_processor.central_server.activity_log import ActivityLog, LogLine, format_line
from media_processor.central_server.catalogue import Catalogue, Entry, chain_entry
from media_processor.central_server.chain import EVERY, GENESIS, Signer
from media_processor.central_server.log_files import ChainFile, LogFiles
from media_processor.crash_points import crash_point
from media_processor.errors import MediaConflict, SetupError, StorageFull
from media_processor.formats import content_type_of
from media_processor.ids import day_folder, now
from media_processor.messages.archive import Checkpoint, StoredMedia
from media_processor.messages.media import Receipt
from media_processor.storage.base import Storage
from media_processor.storage.incoming import Incoming


@dataclass(frozen=True)
class Delivery:
    """A received picture; names are safe."""

    picture: Incoming
    media_id: str
    filename: str
    worker_name: str
    owner: str
    sha256: str
    size: int
    original_sha256: str | None = None


class Archive:
    """Keeps pictures, catalogue, chain and log in step. One process writes them."""

    def __init__(
        self,
        storage: Storage,
        catalogue: Catalogue,
        log_file: Path,
        signer: Signer,
        rotate_bytes: int = 0,
    ) -> None:
        """Completes what a crash interrupted.

        Raises:
            SetupError: the catalogue is older than the log.
        """
        self.storage = storage
        self.catalogue = catalogue
        self.signer = signer
        self._rotate_bytes = rotate_bytes
        self._lock = threading.Lock()
        self._chain = ChainFile(LogFiles(log_file), signer)
        self.log = ActivityLog(log_file, self._log_base())
        self._check_ages()
        self._complete()

    def store(self, delivery: Delivery) -> tuple[Receipt, bool]:
        """Store a delivery durably; return its receipt, and whether it is new. Blocks.

        The same media with the same bytes again returns the first receipt; whose it is and who
        delivered it stay as they were.

        Raises:
            MediaConflict: the media is stored with other bytes.
            StorageFull, StorageFailing, CatalogueUnavailable: nothing was stored, or the next
                delivery completes what was.
        """
        crash_point("delivery-received")
        self.storage.sync(delivery.picture)  # the slow part, outside the lock
        with self._lock:
            entry = self.catalogue.find(delivery.media_id)
            is_new = entry is None
            if entry is None:
                entry = self._add(delivery)
            elif not hmac.compare_digest(entry.media.sha256, delivery.sha256):
                raise MediaConflict("This media_id is already stored with different content.")
            self._append(entry)
            crash_point("line-written")
        return self._receipt(entry.media, delivery.original_sha256), is_new

    def confirm(self, entry: Entry) -> None:
        """See that a stored picture is as durable as its receipt says. Blocks.

        Raises:
            StorageFull, StorageFailing: it isn't: its line can't be written.
        """
        # A crash or a failing disk may have come between the row and the line.
        if self._chain.last < entry.sequence or self.log.end() < entry.line.end:
            with self._lock:
                self._append(entry)

    def picture(self, media: StoredMedia) -> BinaryIO:
        """Raises FileNotFoundError if its file is missing."""
        return self.storage.open(picture_key(media.media_id, media.filename))

    def checkpoints(self, after: int, limit: int) -> list[Checkpoint]:
        """Oldest first; the last one is for the chain's current end, if there is room for it."""
        written = self._chain.last  # the catalogue may be ahead of the chain
        found = self.catalogue.every_nth(EVERY, after, limit)
        entries = [entry for entry in found if entry.sequence <= written]
        last = self.catalogue.at(written)
        if last and last.sequence > after and len(entries) < limit and last not in entries:
            entries.append(last)
        return [
            self.signer.checkpoint(entry.sequence, entry.chain_hash, entry.line.end)
            for entry in entries
        ]

    def _receipt(self, media: StoredMedia, original: str | None) -> Receipt:
        earlier = original and self.catalogue.with_digest(original, media)
        return media.receipt.model_copy(update={"original_is": earlier or None})

    def _append(self, entry: Entry) -> None:
        if not self._chain.is_unchanged():
            self._chain.resume()
            self.log.base = self._log_base()
        if self._chain.last < entry.sequence - 1 or self.log.end() < entry.line.offset:
            self._complete()
        if self._chain.last < entry.sequence:
            before = self.catalogue.at(entry.sequence - 1)
            self._chain.put(chain_entry(entry, before.chain_hash if before else GENESIS))
        crash_point("chain-written")
        self.log.put(entry.line)
        if 0 < self._rotate_bytes <= self.log.file_bytes():
            self._chain.rotate()
            self.log.base = self._log_base()

    def _check_ages(self) -> None:
        last = self.catalogue.last()
        known = last.sequence if last else 0
        if known < self._chain.last:
            raise SetupError(
                f"The catalogue is older than the activity log: it ends at picture {known}, the "
                f"log at {self._chain.last}. Restore the matching catalogue, or move "
                "worker_activity.log* to another folder to start a new log."
            )

    def _complete(self) -> None:
        # A crash or a failing disk may have left rows without their entry and line.
        for entry in self.catalogue.chain_after(self._chain.last):
            self._chain.put(entry)
        for line in self.catalogue.lines_from(self.log.end()):
            self.log.put(line)

    def _log_base(self) -> int:
        before = self.catalogue.at(self._chain.first - 1)
        return before.line.end if before else 0

    def _add(self, delivery: Delivery) -> Entry:
        key = picture_key(delivery.media_id, delivery.filename)
        self.storage.publish([(delivery.picture, key)])
        crash_point("picture-stored")
        entry = self._entry(delivery, key)
        try:
            self.catalogue.add(entry)
        except StorageFull:
            self.storage.delete(key)
            raise
        crash_point("row-added")
        return entry

    def _entry(self, delivery: Delivery, key: str) -> Entry:
        stored_at = now()
        suffix = PurePosixPath(delivery.filename).suffix.lower()
        media = StoredMedia(
            media_id=delivery.media_id,
            filename=delivery.filename,
            worker_name=delivery.worker_name,
            owner=delivery.owner,
            content_type=content_type_of(suffix) or "application/octet-stream",
            stored_path=f"{self.storage.name}/{key}",
            sha256=delivery.sha256,
            size=delivery.size,
            stored_at=stored_at,
        )
        # Read each time: a row whose commit raised an error may be there all the same.
        last = self.catalogue.last()
        # After the last row's line, even if that isn't written yet.
        offset = max(last.line.end if last else 0, self.log.end())
        text = format_line(stored_at.astimezone(), delivery.worker_name, delivery.filename)
        previous = last.chain_hash if last else GENESIS
        sequence = last.sequence + 1 if last else 1
        entry = Entry(media, LogLine(offset, text), sequence, "")
        return replace(entry, chain_hash=chain_entry(entry, previous).hash)


def picture_key(media_id: str, filename: str) -> str:
    """The storage's key of a stored picture: ``2026/01/15/<id>/watermarked_photo.jpg``."""
    return f"{day_folder(media_id)}/{media_id}/{filename}"
