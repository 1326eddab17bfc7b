"""What the central server returns about the archive and its log."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from media_processor.messages.base import Message
from media_processor.messages.media import MAIN_OWNER, Receipt

_Digest = Annotated[str | None, WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]


class DeliveryFields(Message):
    """The form fields of ``POST /upload-final`` beside its ``file``.

    A client that sends only ``worker_name`` is right, too.
    """

    worker_name: str
    owner: str = MAIN_OWNER
    media_id: Annotated[str | None, WithJsonSchema({"type": "string", "format": "uuid"})] = None
    sha256: _Digest = None
    original_sha256: _Digest = None


class StoredMedia(Message):
    """A picture in the archive. ``stored_path`` is relative to MEDIA_DATA_DIR."""

    media_id: str
    filename: str
    worker_name: str
    owner: str = MAIN_OWNER
    content_type: str
    stored_path: str
    sha256: str
    size: int
    stored_at: datetime

    @property
    def receipt(self) -> Receipt:
        return Receipt(**self.model_dump(include=set(Receipt.model_fields)))


ArchiveSort = Literal["newest", "oldest", "name", "largest"]


def _day(value: object) -> object:
    # pydantic would take a datetime at midnight for a date, too.
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        with suppress(ValueError):
            return date.fromisoformat(value)
    return value


# datetime first: it applies unless the value is a date already.
_DayOrMoment = Annotated[datetime | date, BeforeValidator(_day)]


# No stored text has a NUL, and PostgreSQL accepts none.
_Part = Annotated[str, Field(max_length=200, pattern="^[^\\x00]*$")]


class ArchiveQuery(Message):
    """A search of the archive. Times without a zone are UTC; a date as ``until`` includes the
    whole day."""

    name: _Part | None = Field(default=None, description="Part of the file name.")
    worker: _Part | None = Field(default=None, description="Part of the worker's name.")
    since: _DayOrMoment | None = Field(default=None, description="Stored at this time or later.")
    until: _DayOrMoment | None = Field(default=None, description="Stored at this time or earlier.")
    sort: ArchiveSort = "newest"
    cursor: _Part | None = Field(default=None, description="The `next` value of the previous page.")
    limit: int = Field(default=50, ge=1, le=500)

    @property
    def earliest(self) -> datetime | None:
        return _moment(self.since) if self.since else None

    @property
    def before(self) -> datetime | None:
        """The first time after all that match."""
        if self.until is None:
            return None
        is_day = not isinstance(self.until, datetime)
        try:
            return _moment(self.until) + timedelta(days=is_day, microseconds=not is_day)
        except OverflowError:  # the last day of the year 9999
            return None


def _moment(when: date | datetime) -> datetime:
    if not isinstance(when, datetime):
        when = datetime.combine(when, time())
    if when.tzinfo is None or not 1 < when.year < 9999:  # its zone could lead out of the calendar
        return when.replace(tzinfo=UTC)
    return when.astimezone(UTC)


class StoredPage(Message):
    """Body of ``GET /media``; ``next`` is the cursor of the following page."""

    items: tuple[StoredMedia, ...]
    next: str | None


class Activity(Message):
    """A line of the activity log; ``at`` is the central server's local time, as in the log."""

    at: str
    worker: str
    image: str


class ActivityPage(Message):
    """Body of the central server's ``GET /activity``, newest first."""

    lines: tuple[Activity, ...]


class LogVerdict(Message):
    """Whether the activity log agrees with its chain up to entry ``sequence``, checked ``at``.

    A fast server's verdict also covers what its witness has seen.
    """

    state: Literal["agrees", "altered", "unknown"]
    detail: str
    sequence: int | None = None
    at: datetime | None = None


class WitnessedActivity(Message):
    """Body of the fast server's ``GET /activity``."""

    lines: tuple[Activity, ...]
    verified: LogVerdict


class Checkpoint(Message):
    """A signed statement that entry ``sequence`` of the log's chain has this ``hash``.

    ``end`` is the offset in bytes at which that entry's line ends. ``key`` (an Ed25519 public key)
    and ``signature`` are in hex; docs/storage-format.md says what is signed.
    """

    sequence: int
    hash: str
    end: int
    key: str
    signature: str


class CheckpointPage(Message):
    """Body of ``GET /audit/checkpoints``, oldest first."""

    checkpoints: tuple[Checkpoint, ...]
