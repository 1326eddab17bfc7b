"""What the fast server tells of itself, its queues and its pictures."""

from datetime import datetime
from typing import Any

from media_processor.messages.base import Message
from media_processor.messages.media import Status


class ProfileSummary(Message):
    """A profile as this server knows it now."""

    name: str
    digest: str
    settings: dict[str, Any]


class ProfileList(Message):
    """Answer of ``GET /profiles``, ``default`` first."""

    profiles: tuple[ProfileSummary, ...]


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
    """A worker whose heartbeat is within its lease. ``doing`` are the media of its
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
