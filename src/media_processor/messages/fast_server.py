"""What the fast server returns about itself, its queues and its pictures."""

from datetime import datetime
from typing import Any

from pydantic import Field

from media_processor.messages.base import Check, Message, State
from media_processor.messages.media import Status


class ProfileSummary(Message):
    """A profile as the server loaded it."""

    name: str
    digest: str
    settings: dict[str, Any]


class ProfileList(Message):
    """Body of ``GET /profiles``, ``default`` first."""

    profiles: tuple[ProfileSummary, ...]


class UploadLimits(Message):
    """Body of ``GET /limits``. ``content_types`` maps each media type to its file name
    extensions, ``refusals`` an error code to the detail shown for it."""

    max_upload_bytes: int
    content_types: dict[str, tuple[str, ...]]
    refusals: dict[str, str]


class MediaChange(Message):
    """The latest status of a media; ``worker`` is the one that reported it."""

    id: str
    filename: str
    status: Status
    worker: str | None
    at: datetime


class MediaChanges(Message):
    """Data of a ``media`` event of ``GET /events``."""

    changes: tuple[MediaChange, ...]


class Hello(Message):
    """Data of the first event of ``GET /events``; ``resumed`` if no change was missed."""

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
    """Body of ``GET /throughput``: media finished in each span of ``seconds``, oldest first."""

    seconds: int
    finished: tuple[int, ...]


class QueueDepth(Message):
    """One queue. ``waiting`` jobs are due and unclaimed, ``retrying`` ones are due later."""

    waiting: int
    running: int
    retrying: int


class LiveWorker(Message):
    """A worker with a recent heartbeat. ``doing`` are the media ids of its running jobs;
    ``missing_guards`` names which of Landlock and seccomp its picture processes lack, ``trouble``
    is what an operator should know."""

    name: str
    stage: str
    running: int
    started_at: datetime
    doing: tuple[str, ...] = ()
    missing_guards: tuple[str, ...] = ()
    trouble: str | None = None


class QueueReport(Message):
    """Body of ``GET /queue``. ``queues`` and ``workers`` are null while Redis can't be reached.

    ``parked`` of the ``failed`` are retried when the central server answers.
    ``retry_after_seconds`` is what an upload would get now, null if it would be accepted;
    ``limit`` applies to ``unfinished``, 0 means no limit. ``state`` and ``problems`` are the
    system's, as ``GET /ready`` has them.
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
    state: State = "ok"
    problems: dict[str, Check] = Field(default_factory=dict)
