"""The spool: the record of work, every media accepted and not yet stored.

The format is written down in ``docs/storage-format.md``. In short:

    open/<id>.json                  the record, durable before 202; here while unfinished,
    stored/<yyyy>/<mm>/<dd>/<id>.json   here once the archive has the picture,
    failed/<id>.json                here if it failed for good,
    parked/<id>.json                here if it failed for want of the archive: tried again
    originals/<yyyy>/<mm>/<dd>/<id>.<ext>   the bytes as they came, durable before 202
    watermarked/<id>                stage 1's output, until stored
    done/<stage>/<id>               empty: a stage without an output of its own is done, and isn't
                                    the last; until stored
    progress/<yyyy>/<mm>/<dd>/<id>.json     what has happened since; a hint
    keys/<xx>/<digest>.json         idempotency keys, durable before 202
    incoming/                       files being written

The record never changes, it only moves; so a crash between two steps leaves at most an
extra copy, and where it is found last (stored, failed, parked, open) is the truth.
"""

import hashlib
import heapq
import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import ValidationError

from media_processor.crash_points import crash_point
from media_processor.errors import IdempotencyConflict, MediaNotFound, NotFailed, SpoolDamaged
from media_processor.formats import extension_of
from media_processor.ids import day_folder, is_media_id, media_time, new_media_id, now
from media_processor.messages.base import Message
from media_processor.messages.media import (
    MAIN_OWNER,
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
from media_processor.storage.factory import open_storage
from media_processor.storage.incoming import Incoming

log = logging.getLogger(__name__)

Place = Literal["open", "stored", "failed", "parked"]

# More than a picture with every retry and a few crashes needs; a media that a broken
# system retries for weeks must not grow without bound.
_MAX_STEPS = 100


@dataclass(frozen=True)
class NewMedia:
    """A received picture, not yet accepted."""

    original: Incoming
    filename: str
    size: int
    sha256: str
    content_type: str
    width: int
    height: int
    profile: str
    profile_digest: str | None = None
    owner: str = MAIN_OWNER


@dataclass(frozen=True)
class Media:
    """A media as the spool knows it."""

    record: MediaRecord
    place: Place
    progress: Progress

    @property
    def status(self) -> Status:
        """The place of the record outranks the progress, which may have been lost."""
        if self.place == "parked":
            return "failed"
        if self.place != "open":
            return self.place
        if self.progress.status in ("stored", "failed"):  # noted, and about to be moved there
            return "uploading" if self.progress.watermarked else "watermarking"
        return self.progress.status


class Spool:
    """The record of work, on a storage. Every method blocks, so call it from a thread."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    # ── accepting ────────────────────────────────────────────────────────────────

    def accept(self, new: NewMedia, idempotency_key: str | None = None) -> Media:
        """Take responsibility for a picture: when this returns, it is durable.

        The same key of the same owner with the same bytes and profile gives the media of
        the first time.

        Raises:
            IdempotencyConflict: the key was used with other bytes or another profile.
            StorageFull: nothing was kept.
        """
        record = MediaRecord(
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
        if idempotency_key is not None:
            record = self._claim(idempotency_key, record)
            earlier = self._find_record(record.id)
            # An open one may be still on its way to the disk by another hand.
            if earlier and earlier[1] != "open":
                return Media(*earlier, self.progress(record.id))
        self.storage.publish(
            [(new.original, _original_key(record)), (_encode(record), _open_key(record.id))]
        )
        crash_point("record-kept")
        return Media(record, "open", self.progress(record.id))

    def _claim(self, idempotency_key: str, record: MediaRecord) -> MediaRecord:
        """Bind the key to ``record`` unless it is bound; the record that it is bound to.

        The whole record, so that whoever completes an upload that was cut short after
        this, or at the same time, writes the very same one.
        """
        key = _idempotency_key(record.owner, idempotency_key)
        if self.storage.create(key, _encode(record)):
            return record
        earlier = MediaRecord.model_validate_json(self.storage.read(key) or b"")
        if (earlier.sha256, earlier.profile) != (record.sha256, record.profile):
            raise IdempotencyConflict(
                "This Idempotency-Key was used before with other bytes or another profile. "
                "Use a new key for a new picture."
            )
        return earlier

    # ── reading ──────────────────────────────────────────────────────────────────

    def find(self, media_id: str) -> Media:
        """The media.

        Raises:
            MediaNotFound: there is none, or ``media_id`` is no id at all.
        """
        found = self._find_record(media_id) if is_media_id(media_id) else None
        if not found:
            raise MediaNotFound("There is no picture with this id.")
        record, place = found
        return Media(record, place, self.progress(media_id))

    def _find_record(self, media_id: str) -> tuple[MediaRecord, Place] | None:
        # A record may move while we look; a second round sees it at its new place.
        for _ in range(2):
            for place, key in _places(media_id):
                if data := self.storage.read(key):
                    return _decoded(data, media_id), place
        return None

    def progress(self, media_id: str) -> Progress:
        """What has happened so far; empty if that was lost."""
        data = self.storage.read(_progress_key(media_id))
        try:
            return Progress.model_validate_json(data) if data else Progress()
        except ValidationError:  # torn by a power cut
            return Progress()

    def open_original(self, record: MediaRecord) -> BinaryIO:
        """The bytes as they came; raises FileNotFoundError if they aren't kept."""
        return self.storage.open(_original_key(record))

    def local_original(self, record: MediaRecord) -> AbstractContextManager[Path]:
        """A local file with the bytes as they came; raises FileNotFoundError."""
        return self.storage.local_copy(_original_key(record))

    def is_watermarked(self, media: Media) -> bool:
        """Whether stage 1's output is there, as long as it should be."""
        made = media.progress.watermarked
        return (
            made is not None and self.storage.size(_watermarked_key(media.record.id)) == made.size
        )

    def open_watermark(self, media_id: str) -> BinaryIO:
        """Stage 1's output; raises FileNotFoundError once it is swept."""
        return self.storage.open(_watermarked_key(media_id))

    def local_watermark(self, media_id: str) -> AbstractContextManager[Path]:
        """A local file with stage 1's output; raises FileNotFoundError once it is swept."""
        return self.storage.local_copy(_watermarked_key(media_id))

    def open_ids(self) -> list[str]:
        """Every unfinished media, oldest first."""
        return _ids(self.storage.names("open"))[::-1]

    def failed_count(self) -> int:
        """How many media failed for good."""
        return len(self.storage.names("failed"))

    def parked_ids(self) -> list[str]:
        """Every media that failed for want of the archive, oldest first."""
        return _ids(self.storage.names("parked"))[::-1]

    def newest(self, status: Status | None, before: str | None, limit: int) -> list[Media]:
        """At most ``limit`` media, newest first, older than the id ``before``."""
        found: list[Media] = []
        for media_id in self._ids_newest_first(status, before):
            try:
                media = self.find(media_id)
            except MediaNotFound:
                continue  # removed while we looked
            except SpoolDamaged as error:
                log.error("❌ %s", error.detail)  # it must not hide the others
                continue
            if status is None or media.status == status:
                found.append(media)
                if len(found) == limit:
                    break
        return found

    def _ids_newest_first(self, status: Status | None, before: str | None) -> Iterator[str]:
        unfinished = _ids(self.storage.names("open")) if status not in ("stored", "failed") else []
        failed = [
            media_id
            for place in ("failed", "parked")
            if status in (None, "failed")
            for media_id in _ids(self.storage.names(place))
        ]
        pending = sorted({*unfinished, *failed}, reverse=True)
        stored = self._stored_ids(before) if status in (None, "stored") else iter(())
        last = before or "g"  # sorts behind every hexadecimal id
        for media_id in _merge(pending, stored):
            if media_id < last:
                last = media_id  # a media that is in two places comes once
                yield media_id

    def _stored_ids(self, before: str | None) -> Iterator[str]:
        newest_day = day_folder(before) if before else "9999/99/99"
        for year in self.storage.names("stored"):
            for month in self.storage.names(f"stored/{year}"):
                for day in self.storage.names(f"stored/{year}/{month}"):
                    if f"{year}/{month}/{day}" <= newest_day:
                        yield from _ids(self.storage.names(f"stored/{year}/{month}/{day}"))

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
        """Add a step to the progress and set the fields named in ``changes``.

        ``attempted`` names the stage of which an attempt ended, which is counted.
        """
        progress = self.progress(media_id)
        entry = Step(step=step, at=now(), worker=worker, detail=detail)
        changes |= {"steps": (*progress.steps, entry)[-_MAX_STEPS:]}
        if worker:
            changes["worker"] = worker
        if attempted:
            changes["attempts"] = progress.attempts.plus_one(attempted)
        progress = progress.model_copy(update=changes)
        self.storage.write(_progress_key(media_id), _encode(progress))
        return progress

    def close_stored(
        self,
        media_id: str,
        worker: str,
        *,
        attempted: str,
        keep_original: bool,
        **changes: Any,
    ) -> None:
        """Every stage is done, the archive has the picture: nothing is left to do."""
        self.note(
            media_id,
            "stored",
            worker=worker,
            status="stored",
            error=None,
            next_attempt_at=None,
            attempted=attempted,
            **changes,
        )
        self._close(media_id, _stored_key(media_id))
        if not keep_original and (found := self._find_record(media_id)):
            self.storage.delete(_original_key(found[0]))

    def close_failed(
        self,
        media_id: str,
        failure: Failure,
        worker: str,
        *,
        attempted: str | None,
        parked_until: datetime | None = None,
    ) -> None:
        """It failed: kept, listed, with its reason, until someone reopens it.

        ``parked_until`` is when that will be done without anybody asking.
        """
        if self.storage.size(_open_key(media_id)) is None:
            return  # another worker took over and has finished
        progress = self.note(
            media_id,
            "failed",
            worker=worker,
            detail=failure.detail,
            status="failed",
            error=failure,
            next_attempt_at=parked_until,
            attempted=attempted,
        )
        # Unlike all other progress this can't be made again: nothing else knows the reason.
        self.storage.publish([(_encode(progress), _progress_key(media_id))])
        self._close(media_id, _parked_key(media_id) if parked_until else _failed_key(media_id))

    def reopen(self, media_id: str) -> Media:
        """Have a failed media tried again, with all its attempts; the media as it is then.

        Raises:
            MediaNotFound: there is none with this id.
            NotFailed: it is stored, or being worked on.
        """
        media = self.find(media_id)
        if media.status != "failed":
            raise NotFailed(f"This media is {media.status}; only a failed one can be retried.")
        progress = self.note(
            media_id, "reopened", status="queued", next_attempt_at=None, attempts=Attempts()
        )
        for key in (_failed_key(media_id), _parked_key(media_id)):
            self.storage.move(key, _open_key(media_id))
        return Media(media.record, "open", progress)

    def _close(self, media_id: str, key: str) -> None:
        # Stage 1's output stays for the reconciler to sweep: someone may be reading it.
        self.storage.move(_open_key(media_id), key)
        crash_point("record-closed")

    def keep_watermark(
        self,
        media_id: str,
        made: Incoming,
        watermarked: WatermarkResult,
        worker: str,
        *,
        attempted: str,
    ) -> None:
        """Stage 1 is done.

        First the note, then the file: where the file is, its info are known.
        """
        if self.storage.size(_open_key(media_id)) is None:
            return  # another worker took over and has finished
        self.note(
            media_id,
            "watermarked",
            worker=worker,
            status="uploading",
            error=None,
            next_attempt_at=None,
            watermarked=watermarked,
            attempted=attempted,
        )
        crash_point("watermark-noted")
        self.storage.adopt(made, _watermarked_key(media_id))
        crash_point("watermark-kept")

    def drop_watermark(self, media_id: str) -> None:
        """Forget stage 1's output, so that it is made again."""
        self.storage.delete(_watermarked_key(media_id))

    def keep_done(
        self, media_id: str, stage: str, worker: str, changes: Mapping[str, object]
    ) -> None:
        """Note that a stage which leaves no output of its own is done, in ``done/<stage>``."""
        if self.storage.size(_open_key(media_id)) is None:
            return  # another worker took over and has finished
        progress = self.progress(media_id)
        progress = progress.model_copy(
            update={
                "worker": worker,
                "error": None,
                "next_attempt_at": None,
                "attempts": progress.attempts.plus_one(stage),
                **changes,
            }
        )
        self.storage.write(_progress_key(media_id), _encode(progress))
        self.storage.write(f"done/{stage}/{media_id}", b"")

    def outputs(self, folder: str) -> list[str]:
        """The media of which a stage's output is in ``folder``."""
        return _ids(self.storage.names(folder))

    def drop_output(self, folder: str, media_id: str) -> None:
        """Forget a stage's output, so that it runs again."""
        self.storage.delete(f"{folder}/{media_id}")

    def forget_reopened(self, media_id: str) -> bool:
        """Remove the open record of a media that is finished; tells whether it was."""
        finished = any(
            self.storage.size(key) for place, key in _places(media_id) if place != "open"
        )
        if finished:
            self.storage.delete(_open_key(media_id))
        return finished


def open_spool(folder: Path) -> Spool:
    """The spool in ``folder``, which is made if it isn't there."""
    return Spool(open_storage(folder))


def _encode(message: Message) -> bytes:
    return message.model_dump_json().encode()


def _decoded(data: bytes, media_id: str) -> MediaRecord:
    try:
        return MediaRecord.model_validate_json(data)
    except ValidationError:
        raise SpoolDamaged(
            f"The record of {media_id} in the spool can't be read. Mend or remove its file."
        ) from None


def _places(media_id: str) -> tuple[tuple[Place, str], ...]:
    return (
        ("stored", _stored_key(media_id)),
        ("failed", _failed_key(media_id)),
        ("parked", _parked_key(media_id)),
        ("open", _open_key(media_id)),
    )


def _open_key(media_id: str) -> str:
    return f"open/{media_id}.json"


def _stored_key(media_id: str) -> str:
    return f"stored/{day_folder(media_id)}/{media_id}.json"


def _failed_key(media_id: str) -> str:
    return f"failed/{media_id}.json"


def _parked_key(media_id: str) -> str:
    return f"parked/{media_id}.json"


def _progress_key(media_id: str) -> str:
    return f"progress/{day_folder(media_id)}/{media_id}.json"


def _watermarked_key(media_id: str) -> str:
    return f"watermarked/{media_id}"


def _idempotency_key(owner: str, chosen: str) -> str:
    """Where an Idempotency-Key is kept: each owner has keys of its own."""
    # The main owner's keys are from before there were owners; none has a NUL.
    scoped = chosen if owner == MAIN_OWNER else f"{owner}\0{chosen}"
    digest = hashlib.sha256(scoped.encode()).hexdigest()
    return f"keys/{digest[:2]}/{digest}.json"


def _original_key(record: MediaRecord) -> str:
    extension = extension_of(record.content_type)
    return f"originals/{day_folder(record.id)}/{record.id}{extension}"


def _ids(names: list[str]) -> list[str]:
    candidates = (name.removesuffix(".json") for name in names)
    return [media_id for media_id in candidates if is_media_id(media_id)]


def _merge(pending: list[str], stored: Iterator[str]) -> Iterator[str]:
    """Two descending streams as one."""
    return heapq.merge(pending, stored, reverse=True)


def age_seconds(media_id: str) -> float:
    """How long ago the media was accepted."""
    return max(0.0, (now() - media_time(media_id)).total_seconds())
