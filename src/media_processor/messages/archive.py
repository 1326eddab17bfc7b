"""What the central server tells of the archive and its log."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from media_processor.messages.base import Message
from media_processor.messages.media import MAIN_OWNER


class StoredMedia(Message):
    """A picture in the central archive."""

    media_id: str
    filename: str
    worker_name: str
    owner: str = MAIN_OWNER
    content_type: str
    stored_path: str
    sha256: str
    size: int
    stored_at: datetime


ArchiveSort = Literal["newest", "oldest", "name", "largest"]


def _day(value: object) -> object:
    """Whatever has a time is a moment, even midnight."""
    if isinstance(value, str) and len(value) == len("2026-01-31"):
        with suppress(ValueError):
            return date.fromisoformat(value)
    return value


# The moment first: it wins unless the value is a day already.
_DayOrMoment = Annotated[datetime | date, BeforeValidator(_day)]


# No stored text has a NUL, and PostgreSQL takes none.
_Part = Annotated[str, Field(max_length=200, pattern="^[^\\x00]*$")]


class ArchiveQuery(Message):
    """What is looked for in the archive. Times without a zone are UTC; a day as ``until`` is
    meant to its end."""

    name: _Part | None = Field(default=None, description="Part of the file name.")
    worker: _Part | None = Field(default=None, description="Part of its name.")
    since: _DayOrMoment | None = Field(default=None, description="Stored then or later.")
    until: _DayOrMoment | None = Field(default=None, description="Stored then or before.")
    sort: ArchiveSort = "newest"
    cursor: _Part | None = Field(default=None, description="`next` of the page before.")
    limit: int = Field(default=50, ge=1, le=500)

    @property
    def earliest(self) -> datetime | None:
        """The first moment that is wanted."""
        return _moment(self.since) if self.since else None

    @property
    def before(self) -> datetime | None:
        """The first moment that isn't wanted any more."""
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
    if when.tzinfo is None or not 1 < when.year < 9999:  # no zone leads out of the calendar
        return when.replace(tzinfo=UTC)
    return when.astimezone(UTC)


class StoredPage(Message):
    items: tuple[StoredMedia, ...]
    next: str | None


class Activity(Message):
    """A line of the activity log; ``at`` is the archive's local time, as in the log."""

    at: str
    worker: str
    image: str


class ActivityPage(Message):
    lines: tuple[Activity, ...]


class LogVerdict(Message):
    """Whether the archive's log is what its chain says up to ``sequence`` and, where a fast server
    tells it, what that has witnessed."""

    state: Literal["agrees", "altered", "unknown"]
    detail: str
    sequence: int | None = None
    at: datetime | None = None


class WitnessedActivity(Message):
    """Answer of the fast server's ``GET /activity``."""

    lines: tuple[Activity, ...]
    verified: LogVerdict


class Checkpoint(Message):
    """The archive's signed word on its log: entry ``sequence`` of the chain has this hash.

    ``end`` is where the log ends with that entry, in bytes; ``key`` the Ed25519 public key
    and ``signature`` in hex.
    """

    sequence: int
    hash: str
    end: int
    key: str
    signature: str


class CheckpointPage(Message):
    """Answer of ``GET /audit/checkpoints``, oldest first."""

    checkpoints: tuple[Checkpoint, ...]
