"""What the spool needs of its records: in files (record_files.py), and some day in a database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from media_processor.messages.media import MediaRecord, Progress, Status, Step
from media_processor.storage.incoming import Incoming
from media_processor.work.media import Media, Place

# More than a picture with every retry and a few crashes needs; a media that a broken
# system retries for weeks must not grow without bound.
_MAX_STEPS = 100


@dataclass(frozen=True)
class Note:
    """What has happened to a media: a step to add, the stage of which an attempt ended, which is
    counted, and new values of a Progress's fields."""

    step: Step | None = None
    attempted: str | None = None
    changes: Mapping[str, object] = field(default_factory=dict)

    def added_to(self, progress: Progress) -> Progress:
        changes = dict(self.changes)
        # Progress from before there were revisions has as many as steps.
        changes["revision"] = max(progress.revision, len(progress.steps)) + 1
        if self.step:
            changes["steps"] = (*progress.steps, self.step)[-_MAX_STEPS:]
            changes["worker"] = self.step.worker or progress.worker
        if self.attempted:
            changes["attempts"] = progress.attempts.plus_one(self.attempted)
        return progress.model_copy(update=changes)


class Records(Protocol):
    """Which media there are, where each of them is, and what has happened to it.

    Every method blocks, may be called from many threads and processes, and may raise OSError,
    StorageFull and StorageFailing.
    """

    # ── accepting ────────────────────────────────────────────────────────────────

    def claim(self, idempotency_key: str, record: MediaRecord) -> MediaRecord:
        """Bind the key of the record's owner to ``record`` unless it is bound.

        Returns:
            The whole record that it is bound to, durably. So whoever completes an upload that was
            cut short after this, or at the same time, adds the very same one.
        """

    def add(self, record: MediaRecord, original: Incoming) -> None:
        """Make an original, then its open record durable. Repeating it does no harm."""

    # ── reading ──────────────────────────────────────────────────────────────────

    def find(self, media_id: str) -> Media | None:
        """The media; raises SpoolDamaged if its record can't be read."""

    def is_open(self, media_id: str) -> bool: ...

    def progress(self, media_id: str) -> Progress:
        """What has happened so far; empty if that was lost, or there is no such media."""

    def ids(self, place: Place) -> list[str]:
        """Every media in ``place``, oldest first. Slow for *stored*, which holds all of them."""

    def newest(self, status: Status | None, before: str | None, limit: int) -> list[Media]:
        """At most ``limit`` media, newest first, older than the id ``before``.

        One whose record can't be read is logged and left out.
        """

    # ── working ──────────────────────────────────────────────────────────────────

    def note(self, media_id: str, note: Note) -> Progress:
        """Add to the progress; a hint, which a loss of power may undo."""

    def close(self, media_id: str, place: Place, last: Note) -> None:
        """Add to the progress, then move the record from *open*.

        Unless it is stored, the note is durable before the record moves, as nothing else knows
        the reason. After a crash the record may be in both places: *open* doesn't count then.
        """

    def reopen(self, media_id: str, note: Note) -> Progress:
        """Add to the progress, then move the record of a failed or parked media to *open*."""

    def forget_reopened(self, media_id: str) -> bool:
        """Remove the open record of a media that is finished; returns whether there was one."""
