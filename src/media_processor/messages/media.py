"""A picture on its way: the spool's record and progress, and what the fast server returns."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, RootModel

from media_processor.messages.base import Message
from media_processor.messages.results import Failure as Failure
from media_processor.messages.results import WatermarkResult as WatermarkResult
from media_processor.messages.results import describe_way

MAIN_OWNER = "main"
"""The default owner; also of pictures from before there were owners."""

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


class Step(Message):
    """An event in the life of a picture, with the worker that caused it, if any."""

    step: StepName
    at: datetime
    worker: str | None = None
    detail: str | None = None


class Receipt(Message):
    """The central server's confirmation that a picture is stored.

    ``original_is`` is the id of an earlier stored picture, of the same owner, that is the
    original byte by byte.
    """

    media_id: str
    stored_path: str
    sha256: str
    size: int
    stored_at: datetime
    original_is: str | None = None


class Result(Message):
    """Where the finished picture is, and how it was watermarked (null if a power cut lost that)."""

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
        return describe_way(self.method, self.declined) if self.method else None


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
    owner: str = MAIN_OWNER
    accepted_at: datetime


class Attempts(RootModel[dict[str, int]]):
    """Ended attempts by stage; an attempt that ended with a crash of its worker isn't counted.
    A stage without attempts is left out."""

    model_config = ConfigDict(frozen=True)

    root: dict[str, int] = {}

    def __getitem__(self, stage: str) -> int:
        return self.root.get(stage, 0)

    def plus_one(self, stage: str) -> "Attempts":
        return Attempts({**self.root, stage: self[stage] + 1})


class Progress(Message):
    """What has happened to a media since it was accepted. May be lost: it can be made again.

    ``revision`` grows with every change; ``steps`` are the latest only."""

    revision: int = 0
    status: Status = "queued"
    attempts: Attempts = Attempts()
    worker: str | None = None
    steps: tuple[Step, ...] = ()
    next_attempt_at: datetime | None = None
    error: Failure | None = None
    watermarked: WatermarkResult | None = None
    receipt: Receipt | None = None


class MediaLinks(Message):
    self: str
    original: str
    watermarked: str
    events: str


class AcceptedMedia(Message):
    """Body of ``POST /media``."""

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
    """Body of ``GET /media/{id}``."""

    width: int
    height: int
    owner: str = MAIN_OWNER
    attempts: Attempts
    worker: str | None
    steps: tuple[Step, ...]
    next_attempt_at: datetime | None
    error: Failure | None
    result: Result | None


class MediaPage(Message):
    """Body of ``GET /media``; ``next`` is the cursor of the following page."""

    items: tuple[MediaStatus, ...]
    next: str | None
