"""What a picture process is asked, and what it answers."""

from typing import Annotated, Any, Literal

from pydantic import Field

from media_processor.limits import Limits
from media_processor.messages.base import Message
from media_processor.messages.media import Failure, WatermarkResult

SANDBOX_READY = b"ready"
"""A picture process's first line, with the guards in force behind it: whatever kills it before
is not a picture's fault."""


class WatermarkTask(Message):
    """Watermark a picture. Paths are absolute; ``logos`` and ``font`` are the profile's files,
    ``tokens`` what its text may say."""

    kind: Literal["watermark"] = "watermark"
    source: str
    target: str
    profile: dict[str, Any]
    logos: tuple[str, ...]
    font: str | None
    tokens: dict[str, str]
    limits: Limits


class ThumbnailTask(Message):
    """Make a small picture for a browser: a WebP of at most ``side`` pixels a side."""

    kind: Literal["view"] = "view"
    source: str
    target: str
    side: int
    limits: Limits


class DifferenceTask(Message):
    """Write where two pictures differ, as a Difference in JSON: it may be megabytes."""

    kind: Literal["difference"] = "difference"
    before: str
    after: str
    target: str
    limits: Limits


SandboxTask = Annotated[WatermarkTask | ThumbnailTask | DifferenceTask, Field(discriminator="kind")]
"""What a picture process is asked to do."""


class SandboxReply(Message):
    """What a picture process answers: ``failure``, what it watermarked, or nothing where the file
    that it wrote says all."""

    watermarked: WatermarkResult | None = None
    failure: Failure | None = None
