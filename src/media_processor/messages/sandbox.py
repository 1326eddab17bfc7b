"""What a picture process is asked, and what it answers, as messages.json_lines encodes them."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from media_processor.limits import Limits
from media_processor.messages.results import Failure, WatermarkResult

SANDBOX_READY = b"ready"
"""A picture process's first line, with the guards in force behind it: whatever kills it before
is not a picture's fault."""


@dataclass(frozen=True, kw_only=True)
class WatermarkTask:
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


@dataclass(frozen=True, kw_only=True)
class ThumbnailTask:
    """Make a small picture for a browser: a WebP of at most ``side`` pixels a side."""

    kind: Literal["thumbnail"] = "thumbnail"
    source: str
    target: str
    side: int
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class DifferenceTask:
    """Write where two pictures differ, as a Difference in JSON: it may be megabytes."""

    kind: Literal["difference"] = "difference"
    before: str
    after: str
    target: str
    limits: Limits


SandboxTask: TypeAlias = WatermarkTask | ThumbnailTask | DifferenceTask
"""What a picture process is asked to do."""


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """One line to a picture process."""

    task: SandboxTask


@dataclass(frozen=True, kw_only=True)
class SandboxReply:
    """One line of its answers: ``failure``, what it watermarked, or nothing where the file
    that it wrote says all."""

    watermarked: WatermarkResult | None = None
    failure: Failure | None = None
