"""The spool: the record of work, every media accepted and not yet stored.

It knows what may happen to a media and in which order; records.py keeps where each is and what
has happened to it, blobs.py the pictures. ``open_spool`` chooses where both are kept.
docs/storage-format.md has the format.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from media_processor.crash_points import crash_point
from media_processor.errors import IdempotencyConflict, MediaNotFound, NotFailed
from media_processor.ids import is_media_id, new_media_id, now
from media_processor.messages.media import (
    Attempts,
    Failure,
    MediaRecord,
    Progress,
    Status,
    Step,
    StepName,
    WatermarkResult,
)
from media_processor.storage.base import Storage
from media_processor.storage.factory import open_spool_storage
from media_processor.storage.incoming import Incoming
from media_processor.work.blobs import Blobs
from media_processor.work.identity import identify, identity_in
from media_processor.work.media import Media, NewMedia, Place
from media_processor.work.record_files import RecordFiles
from media_processor.work.records import Note, Records

if TYPE_CHECKING:
    from media_processor.settings import SpoolSettings


class Spool:
    """The record of work. Every method blocks, so call it from a thread.

    Those that open a file raise FileNotFoundError if it isn't kept, or was swept.
    """

    def __init__(self, records: Records, blobs: Blobs, identity: str) -> None:
        self.identity = identity
        self._records = records
        self._blobs = blobs

    @property
    def storage(self) -> Storage:
        return self._blobs.storage

    def is_itself(self) -> bool:
        """False if another spool, or none, is where this one was: its disk was unmounted, say."""
        return identity_in(self.storage) == self.identity

    # ── accepting ────────────────────────────────────────────────────────────────

    def accept(self, new: NewMedia, idempotency_key: str | None = None) -> Media:
        """Take responsibility for a picture: when this returns, it is durable.

        The same key of the same owner with the same bytes and profile gives the media of
        the first time.

        Raises:
            IdempotencyConflict: the key was used with other bytes or another profile.
            StorageFull: nothing was kept.
        """
        record = _new_record(new)
        if idempotency_key is not None:
            record = self._claim(idempotency_key, record)
            earlier = self._records.find(record.id)
            # An open one may be still on its way to the disk by another hand.
            if earlier and earlier.place != "open":
                return earlier
        self._records.add(record, new.original)
        crash_point("record-kept")
        return Media(record, "open", self.progress(record.id))

    def _claim(self, idempotency_key: str, record: MediaRecord) -> MediaRecord:
        bound = self._records.claim(idempotency_key, record)
        if (bound.sha256, bound.profile) != (record.sha256, record.profile):
            raise IdempotencyConflict(
                "This Idempotency-Key was already used with another file or profile. "
                "Use a new key for a new picture."
            )
        return bound

    # ── reading ──────────────────────────────────────────────────────────────────

    def find(self, media_id: str) -> Media:
        """Raises MediaNotFound, also for what is no id, or SpoolDamaged for a damaged record."""
        media = self._records.find(media_id) if is_media_id(media_id) else None
        if media is None:
            raise MediaNotFound("There is no picture with this id.")
        return media

    def progress(self, media_id: str) -> Progress:
        return self._records.progress(media_id)

    def open_ids(self) -> list[str]:
        return self._records.ids("open")

    def parked_ids(self) -> list[str]:
        return self._records.ids("parked")

    def failed_count(self) -> int:
        return len(self._records.ids("failed"))

    def newest(self, status: Status | None, before: str | None, limit: int) -> list[Media]:
        return self._records.newest(status, before, limit)

    # ── pictures ─────────────────────────────────────────────────────────────────

    def open_original(self, record: MediaRecord) -> BinaryIO:
        return self._blobs.open_original(record)

    def local_original(self, record: MediaRecord) -> AbstractContextManager[Path]:
        return self._blobs.local_original(record)

    def is_watermarked(self, media: Media) -> bool:
        made = media.progress.watermarked
        return made is not None and self._blobs.watermark_size(media.record.id) == made.size

    def open_watermark(self, media_id: str) -> BinaryIO:
        return self._blobs.open_watermark(media_id)

    def local_watermark(self, media_id: str) -> AbstractContextManager[Path]:
        return self._blobs.local_watermark(media_id)

    def drop_watermark(self, media_id: str) -> None:
        self._blobs.delete_watermark(media_id)

    def outputs(self, folder: str) -> list[str]:
        return self._blobs.outputs(folder)

    def drop_output(self, folder: str, media_id: str) -> None:
        self._blobs.delete_output(folder, media_id)

    # ── working ──────────────────────────────────────────────────────────────────

    def note(
        self,
        media_id: str,
        step: StepName,
        *,
        worker: str | None = None,
        detail: str | None = None,
        attempted: str | None = None,
        **changes: object,
    ) -> Progress:
        """``attempted`` is the stage whose attempt ended and is counted; ``changes`` are fields of
        Progress."""
        note = Note(_step(step, worker, detail), attempted, changes)
        return self._records.note(media_id, note)

    def keep_watermark(
        self,
        media_id: str,
        made: Incoming,
        watermarked: WatermarkResult,
        worker: str,
        *,
        attempted: str,
    ) -> None:
        # First the note, then the file: where the file is, what is known of it is too.
        if not self._records.is_open(media_id):
            return  # another worker took over and has finished
        self.note(
            media_id,
            "watermarked",
            worker=worker,
            status="uploading",
            error=None,
            next_attempt_at=None,
            attempted=attempted,
            watermarked=watermarked,
        )
        crash_point("watermark-noted")
        self._blobs.keep_watermark(media_id, made)
        crash_point("watermark-kept")

    def keep_done(
        self, media_id: str, stage: str, worker: str, changes: Mapping[str, object]
    ) -> None:
        if not self._records.is_open(media_id):
            return  # another worker took over and has finished
        ended = {"worker": worker, "error": None, "next_attempt_at": None, **changes}
        self._records.note(media_id, Note(attempted=stage, changes=ended))
        self._blobs.mark_done(stage, media_id)

    def close_stored(
        self,
        media_id: str,
        worker: str,
        *,
        attempted: str,
        keep_original: bool,
        **changes: object,
    ) -> None:
        # Stage 1's output stays for the reconciler to sweep: someone may be reading it.
        ended = {"status": "stored", "error": None, "next_attempt_at": None, **changes}
        last = Note(_step("stored", worker), attempted, ended)
        self._records.close(media_id, "stored", last)
        if not keep_original and (media := self._records.find(media_id)):
            self._blobs.delete_original(media.record)

    def close_failed(
        self,
        media_id: str,
        failure: Failure,
        worker: str,
        *,
        attempted: str | None,
        parked_until: datetime | None = None,
    ) -> None:
        """``parked_until`` is when it is reopened without anybody asking."""
        if not self._records.is_open(media_id):
            return  # another worker took over and has finished
        changes: dict[str, object] = {
            "status": "failed",
            "error": failure,
            "next_attempt_at": parked_until,
        }
        place: Place = "parked" if parked_until else "failed"
        last = Note(_step("failed", worker, failure.detail), attempted, changes)
        self._records.close(media_id, place, last)

    def reopen(self, media_id: str) -> Media:
        """Have a failed media retried, with the full number of attempts; returns it as it is then.

        Raises:
            MediaNotFound: there is none with this id.
            NotFailed: it is stored, or being worked on.
        """
        media = self.find(media_id)
        if media.status != "failed":
            raise NotFailed(f"This picture is {media.status}; only failed pictures can be retried.")
        changes = {"status": "queued", "next_attempt_at": None, "attempts": Attempts()}
        progress = self._records.reopen(media_id, Note(_step("reopened"), changes=changes))
        return Media(media.record, "open", progress)

    def forget_reopened(self, media_id: str) -> bool:
        """Remove the open record of a media that is finished; returns whether there was one."""
        return self._records.forget_reopened(media_id)


def open_spool(settings: "SpoolSettings") -> Spool:
    """The spool that the settings name, which is made if it isn't there."""
    blobs = Blobs(open_spool_storage(settings))
    return Spool(RecordFiles(blobs), blobs, identify(blobs.storage))


def _new_record(new: NewMedia) -> MediaRecord:
    return MediaRecord(
        id=new_media_id(),
        filename=new.filename,
        size=new.size,
        sha256=new.sha256,
        content_type=new.content_type,
        width=new.width,
        height=new.height,
        profile=new.profile,
        profile_digest=new.profile_digest,
        owner=new.owner,
        accepted_at=now(),
    )


def _step(step: StepName, worker: str | None = None, detail: str | None = None) -> Step:
    return Step(step=step, at=now(), worker=worker, detail=detail)
