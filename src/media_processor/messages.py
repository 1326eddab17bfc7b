"""Every shape that crosses a process boundary: HTTP answers, spool records, child process.

Times are UTC. Digests are SHA-256 in lower-case hex. Sizes are bytes.
"""

import os
import time as clock
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Status = Literal["queued", "watermarking", "uploading", "retrying", "stored", "failed"]
StepName = Literal[
    "accepted",
    "watermarking",
    "watermarked",
    "uploading",
    "retrying",
    "stored",
    "failed",
    "reopened",
]

PICTURE_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tiff",
    "image/bmp": ".bmp",
    "image/avif": ".avif",
    "image/heic": ".heic",
}
"""The media types that are taken, each with its usual extension."""

FURTHER_EXTENSIONS = {
    "image/jpeg": (".jpeg",),
    "image/tiff": (".tif",),
    "image/heic": (".heif",),
}
"""Other extensions that the names of such files have."""

CONTENT_TYPES = {
    extension: content_type
    for content_type, usual in PICTURE_EXTENSIONS.items()
    for extension in (usual, *FURTHER_EXTENSIONS.get(content_type, ()))
}
"""What a file's name promises, by its extension in lower case."""

# File systems allow 255 bytes. What comes in gets the prefix `watermarked_` later on.
MAX_FILENAME_BYTES = 200
MAX_STORED_FILENAME_BYTES = 240


def new_media_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    value = clock.time_ns() // 1_000_000 << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=value))


def is_media_id(text: str) -> bool:
    """Whether ``text`` is a UUIDv7 in its canonical spelling, and so safe in a path."""
    try:
        value = UUID(text)
        return str(value) == text and value.version == 7 and media_time(text).year < 10_000
    except (ValueError, OverflowError, OSError):
        return False


def media_time(media_id: str) -> datetime:
    """When the id was made, to the millisecond."""
    return datetime.fromtimestamp((UUID(media_id).int >> 80) / 1000, UTC)


def day_folder(media_id: str) -> str:
    """``yyyy/mm/dd`` of the day the id was made, UTC."""
    return f"{media_time(media_id):%Y/%m/%d}"


def safe_filename(name: str, max_bytes: int = MAX_FILENAME_BYTES) -> str:
    """The name a client gave a file, made safe for a path, a header and a log line.

    Keeps the last path component; control, format (bidirectional marks among them) and
    unassigned characters go; double quotes become single ones, as a form can't carry them
    on to the archive unchanged; at most ``max_bytes`` of UTF-8, extension kept. Never empty.
    """
    kept = _printable(name.replace("\\", "/").rsplit("/", 1)[-1].replace('"', "'"))
    path = PurePosixPath(kept.replace("/", "_") or "picture")
    suffix = path.suffix if len(path.suffix.encode()) <= 16 else ""
    stem = path.name.removesuffix(suffix).encode()[: max_bytes - len(suffix.encode())]
    return (stem.decode(errors="ignore").rstrip(" .\u200d") or "picture") + suffix


def branded_filename(name: str, extension: str | None) -> str:
    """``watermarked_`` and the name; with a new extension if the format changed."""
    if extension is None:
        return f"watermarked_{name}"
    return f"watermarked_{PurePosixPath(name).stem}{extension}"


def safe_worker_name(name: str) -> str:
    """A worker's name for the activity log; ``|`` goes too, as it separates the fields there."""
    kept = _printable(name.replace("|", "_").replace("/", "_").replace("\\", "_"))
    return kept.encode()[:MAX_FILENAME_BYTES].decode(errors="ignore").rstrip() or "unknown"


def _printable(text: str) -> str:
    """Without control, format and unassigned characters, in Unicode's NFC."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    # The joiner is a format character, but holds emoji families together.
    kept = (c for c in text if c in " \u200d" or unicodedata.category(c)[0] not in "CZ")
    return "".join(kept).strip(" .\u200d")


class Message(BaseModel):
    """Immutable; unknown fields are ignored, so that old and new versions can run together."""

    model_config = ConfigDict(frozen=True)


class Problem(Message):
    """An error as another process or a person sees it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class Failure(Message):
    """Why a step went wrong; ``code`` is one of the error tree's."""

    code: str
    detail: str


class Step(Message):
    """Something that happened to a media."""

    step: StepName
    at: datetime
    worker: str | None = None
    detail: str | None = None


class Receipt(Message):
    """The central server's word that a picture is stored."""

    media_id: str
    stored_path: str
    sha256: str
    size: int
    stored_at: datetime


class Painted(Message):
    """A branded picture. Width and height are as displayed, in pixels.

    ``extension`` is set if the format isn't the source's; ``notes`` tell what of the source
    couldn't be kept; ``profile_digest`` is that of the profile it was made with, ``logos``
    are the digests of their files; ``contrast`` (1 to 21) is the chosen variant's; ``method``
    is splice, decode or skip, and ``declined`` says why it isn't splice.
    """

    content_type: str
    sha256: str
    size: int
    width: int
    height: int
    method: str
    declined: str | None = None
    extension: str | None = None
    notes: tuple[str, ...] = ()
    profile_digest: str | None = None
    logos: tuple[str, ...] = ()
    contrast: float | None = None

    @property
    def way(self) -> str:
        """How it was made, as ``"splice"`` or ``"decode (animated)"``."""
        return _way(self.method, self.declined)


def _way(method: str, declined: str | None) -> str:
    return f"{method} ({declined})" if declined else method


class Result(Message):
    """Where the finished picture is, and how it was made; the latter is null if it was
    forgotten in a power cut."""

    sha256: str
    size: int
    stored_path: str
    stored_at: datetime
    link: str
    content_type: str | None = None
    method: str | None = None
    declined: str | None = None
    notes: tuple[str, ...] = ()
    profile_digest: str | None = None
    logos: tuple[str, ...] = ()
    contrast: float | None = None

    @property
    def way(self) -> str | None:
        """As a Painted's, if it is known."""
        return _way(self.method, self.declined) if self.method else None


class MediaRecord(Message):
    """The spool's durable record of an accepted media. Never changes."""

    id: str
    filename: str
    size: int
    sha256: str
    content_type: str
    width: int
    height: int
    profile: str
    profile_digest: str | None = None
    accepted_at: datetime


class Attempts(Message):
    """How many attempts of each stage ended. One that its worker's crash cut short is none."""

    watermark: int = 0
    upload: int = 0


class Progress(Message):
    """What has happened to a media since it was accepted. A hint: it can be made again."""

    status: Status = "queued"
    attempts: Attempts = Attempts()
    worker: str | None = None
    steps: tuple[Step, ...] = ()
    next_attempt_at: datetime | None = None
    error: Failure | None = None
    watermarked: Painted | None = None
    receipt: Receipt | None = None


class MediaLinks(Message):
    self: str
    original: str
    watermarked: str
    events: str


class AcceptedMedia(Message):
    """Answer of ``POST /media``."""

    id: str
    filename: str
    size: int
    sha256: str
    content_type: str
    status: Status
    profile: str
    profile_digest: str | None
    links: MediaLinks


class MediaStatus(AcceptedMedia):
    """Answer of ``GET /media/{id}``."""

    width: int
    height: int
    attempts: Attempts
    worker: str | None
    steps: tuple[Step, ...]
    next_attempt_at: datetime | None
    error: Failure | None
    result: Result | None


class ProfileSummary(Message):
    """A profile as this server knows it now."""

    name: str
    digest: str
    settings: dict[str, Any]


class ProfileList(Message):
    """Answer of ``GET /profiles``, ``default`` first."""

    profiles: tuple[ProfileSummary, ...]


class MediaPage(Message):
    """Answer of ``GET /media``; ``next`` is the cursor of the following page."""

    items: tuple[MediaStatus, ...]
    next: str | None


class UploadLimits(Message):
    """Answer of ``GET /limits``. ``content_types`` gives each its file name extensions,
    ``refusals`` the detail of a problem by its code."""

    max_upload_bytes: int
    content_types: dict[str, tuple[str, ...]]
    refusals: dict[str, str]


class MediaChange(Message):
    """The latest status of a media, in short."""

    id: str
    filename: str
    status: Status
    worker: str | None
    at: datetime


class MediaChanges(Message):
    """Data of a ``media`` event of ``GET /events``."""

    changes: tuple[MediaChange, ...]


class Hello(Message):
    """Data of the first event of ``GET /events``."""

    resumed: bool


class Difference(Message):
    """Which squares of ``block`` pixels differ between two pictures, as displayed.

    ``runs`` are (row, first column, number of columns); ``touched`` is their sum.
    """

    width: int
    height: int
    block: int
    columns: int
    rows: int
    touched: int
    runs: tuple[tuple[int, int, int], ...]


class Throughput(Message):
    """Answer of ``GET /throughput``: media finished in each span of ``seconds``, oldest first."""

    seconds: int
    finished: tuple[int, ...]


class QueueDepth(Message):
    """One queue. ``waiting`` is due and unclaimed, ``retrying`` is for later."""

    waiting: int
    running: int
    retrying: int


class LiveWorker(Message):
    """A worker that gave a sign of life within its lease. ``doing`` are the media of its
    running jobs; ``missing_guards`` are what its picture processes do without, of Landlock
    and seccomp."""

    name: str
    stage: str
    running: int
    started_at: datetime
    doing: tuple[str, ...] = ()
    missing_guards: tuple[str, ...] = ()


class QueueReport(Message):
    """Answer of ``GET /queue``. ``queues`` and ``workers`` are null while Redis is away.

    ``parked`` of the ``failed`` ones are tried again when the central server answers.
    ``retry_after_seconds`` is what an upload would be told now, null if it would be taken;
    ``limit`` is on ``unfinished``, 0 for none.
    """

    queues: dict[str, QueueDepth] | None
    workers: tuple[LiveWorker, ...] | None
    unfinished: int
    failed: int
    parked: int
    oldest_age_seconds: float | None
    limit: int
    accepting: bool
    retry_after_seconds: int | None
    drain_per_second: float | None


class Check(Message):
    ok: bool
    detail: str


class Readiness(Message):
    """Answer of ``GET /ready``: every part the service needs, by name."""

    ready: bool
    checks: dict[str, Check]


class Health(Message):
    status: Literal["ok"] = "ok"


class StoredMedia(Message):
    """A picture in the central archive."""

    media_id: str
    filename: str
    worker_name: str
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
    """Whether the archive's log is what its chain says up to ``sequence`` and, where a gateway
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


SANDBOX_READY = b"ready"
"""A picture process's first line, with the guards in force behind it: whatever kills it before
is not a picture's fault."""


class PaintTask(Message):
    """Brand a picture. Paths are absolute; ``logos`` and ``font`` are the files that the profile
    names, ``tokens`` what its text may say, ``limits`` those of ``media.facts.Limits``."""

    kind: Literal["paint"] = "paint"
    source: str
    target: str
    profile: dict[str, Any]
    logos: tuple[str, ...]
    font: str | None
    tokens: dict[str, str]
    limits: dict[str, int]


class ViewTask(Message):
    """Make a small picture for a browser: a WebP of at most ``side`` pixels a side."""

    kind: Literal["view"] = "view"
    source: str
    target: str
    side: int
    limits: dict[str, int]


class DifferenceTask(Message):
    """Write where two pictures differ, as a Difference in JSON: it may be megabytes."""

    kind: Literal["difference"] = "difference"
    before: str
    after: str
    target: str
    limits: dict[str, int]


SandboxTask = Annotated[PaintTask | ViewTask | DifferenceTask, Field(discriminator="kind")]
"""What a picture process is asked to do."""


class SandboxReply(Message):
    """What a picture process answers: ``failure``, what it painted, or nothing where the file
    that it wrote says all."""

    painted: Painted | None = None
    failure: Failure | None = None


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
