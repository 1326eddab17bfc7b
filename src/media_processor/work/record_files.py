"""Records as files, one a media, that move from folder to folder; docs/storage-format.md.

The record never changes, it only moves; so a crash between two steps leaves at most an
extra copy, and where it is found last (stored, failed, parked, open) is the truth.
"""

import hashlib

from pydantic import ValidationError

from media_processor.crash_points import crash_point
from media_processor.errors import SpoolDamaged, StorageFailing
from media_processor.ids import day_folder
from media_processor.messages.media import MAIN_OWNER, MediaRecord, Progress, Status
from media_processor.storage.incoming import Incoming
from media_processor.work.blobs import Blobs, original_key
from media_processor.work.media import Media, Place
from media_processor.work.progress_files import ProgressFiles
from media_processor.work.record_listing import Listing
from media_processor.work.records import Note, Records

# Where a record is looked for, first the place that counts if a crash has left two.
_PLACES: tuple[Place, ...] = ("stored", "failed", "parked", "open")


class RecordFiles(Records):
    """In the storage of the originals, so that one call makes both durable."""

    def __init__(self, blobs: Blobs) -> None:
        self._storage = blobs.storage
        self._progress = ProgressFiles(self._storage)
        self._listing = Listing(self._storage, self.find)

    # ── accepting ────────────────────────────────────────────────────────────────

    def claim(self, idempotency_key: str, record: MediaRecord) -> MediaRecord:
        key = _idempotency_key(record.owner, idempotency_key)
        if self._storage.create(key, _encode(record)):
            return record
        return MediaRecord.model_validate_json(self._storage.read(key) or b"")

    def add(self, record: MediaRecord, original: Incoming) -> None:
        try:
            self._storage.publish(
                [(original, original_key(record)), (_encode(record), _key("open", record.id))]
            )
        except FileNotFoundError as error:  # removed as if an hour old: two hosts' clocks disagree
            raise StorageFailing(
                "The upload was removed before it was saved. Send it again."
            ) from error

    # ── reading ──────────────────────────────────────────────────────────────────

    def find(self, media_id: str) -> Media | None:
        # A record may move while we look; a second round sees it at its new place.
        for _ in range(2):
            for place in _PLACES:
                if data := self._storage.read(_key(place, media_id)):
                    return Media(_decode(data, media_id), place, self._progress.read(media_id))
        return None

    def is_open(self, media_id: str) -> bool:
        return self._storage.size(_key("open", media_id)) is not None

    def progress(self, media_id: str) -> Progress:
        return self._progress.read(media_id)

    def ids(self, place: Place) -> list[str]:
        return self._listing.ids(place)

    def newest(self, status: Status | None, before: str | None, limit: int) -> list[Media]:
        return self._listing.newest(status, before, limit)

    # ── working ──────────────────────────────────────────────────────────────────

    def note(self, media_id: str, note: Note) -> Progress:
        return self._progress.add(media_id, note)

    def close(self, media_id: str, place: Place, last: Note) -> None:
        self._progress.add(media_id, last, durable=place != "stored")
        self._storage.move(_key("open", media_id), _key(place, media_id))
        crash_point("record-closed")

    def reopen(self, media_id: str, note: Note) -> Progress:
        progress = self._progress.add(media_id, note)
        for place in ("failed", "parked"):
            self._storage.move(_key(place, media_id), _key("open", media_id))
        return progress

    def forget_reopened(self, media_id: str) -> bool:
        finished = any(self._storage.size(_key(place, media_id)) for place in _PLACES[:-1])
        if finished:
            self._storage.delete(_key("open", media_id))
        return finished


def _key(place: Place, media_id: str) -> str:
    folder = f"stored/{day_folder(media_id)}" if place == "stored" else place
    return f"{folder}/{media_id}.json"


def _idempotency_key(owner: str, chosen: str) -> str:
    # The main owner's keys are from before there were owners; none has a NUL.
    scoped = chosen if owner == MAIN_OWNER else f"{owner}\0{chosen}"
    digest = hashlib.sha256(scoped.encode()).hexdigest()
    return f"keys/{digest[:2]}/{digest}.json"


def _encode(record: MediaRecord) -> bytes:
    return record.model_dump_json().encode()


def _decode(data: bytes, media_id: str) -> MediaRecord:
    try:
        return MediaRecord.model_validate_json(data)
    except ValidationError:
        raise SpoolDamaged(
            f"The record of {media_id} in the spool can't be read. Repair or remove its file."
        ) from None
