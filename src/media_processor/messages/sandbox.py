"""What a picture process is asked, and what it answers, as messages.json_lines encodes them."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from media_processor.limits import Limits
from media_processor.messages.results import Failure, WatermarkResult

SANDBOX_READY = b"ready"
"""First line of a picture process, followed by its active guards. What kills it earlier is not
the picture's fault."""


@dataclass(frozen=True, kw_only=True)
class WatermarkTask:
    """Watermark a picture. Paths are absolute; ``logos`` and ``font`` are the profile's files,
    ``tokens`` the values of the placeholders in its text; ``notes`` go into the result."""

    kind: Literal["watermark"] = "watermark"
    source: str
    target: str
    profile: dict[str, Any]
    logos: tuple[str, ...]
    font: str | None
    tokens: dict[str, str]
    limits: Limits
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ThumbnailTask:
    """Write a WebP thumbnail of at most ``side`` pixels a side."""

    kind: Literal["thumbnail"] = "thumbnail"
    source: str
    target: str
    side: int
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class DifferenceTask:
    """Write where two pictures differ, as the JSON of a Difference, which may have megabytes."""

    kind: Literal["difference"] = "difference"
    before: str
    after: str
    target: str
    limits: Limits


SandboxTask: TypeAlias = WatermarkTask | ThumbnailTask | DifferenceTask
"""Any task, by its ``kind``."""


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """One line to a picture process."""

    task: SandboxTask


@dataclass(frozen=True, kw_only=True)
class SandboxReply:
    """One line of its answers: a failure, a result, or neither if the file it wrote is all.

    ``is_spent``: it holds too much memory, or has worked on too many pictures, for another one.
    """

    watermarked: WatermarkResult | None = None
    failure: Failure | None = None
    is_spent: bool = False
