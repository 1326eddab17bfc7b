"""What a failed attempt means: try again when, or give up.

The error's ``retry`` says which; delivery's delays are the setting UPLOAD_RETRY_DELAYS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from media_processor.errors import EmptyFile, MediaProcessorError, leaves

if TYPE_CHECKING:
    from media_processor.settings import WorkerSettings

# A picture whose process died may have been an innocent neighbour of the real cause
# (memory used up by another one), so it gets two more chances.
SANDBOX_DELAYS = (2.0, 2.0)

# Waiting for an operator: long enough to be quiet, short enough to be noticed as healed.
OPERATOR_DELAY = 10.0

# EmptyFile is refused at the door.
REASONS = tuple(
    sorted(kind.code for kind in leaves() if kind.retry != "forever" and kind is not EmptyFile)
)
"""Every reason a media can fail for; docs/http-api.md explains them."""


@dataclass(frozen=True)
class Verdict:
    """``delay`` in seconds until the next attempt, None to give up; ``counts`` uses up a try.

    A media that ``parks`` is retried by itself once the central server is back (parked.py asks
    no other server), so only the central server's failures may park.
    """

    delay: float | None
    counts: bool
    parks: bool = False


Judge = Callable[["MediaProcessorError", int, "WorkerSettings"], Verdict]
"""The verdict over an attempt that failed after so many earlier ones of its stage."""


def judge_watermarking(error: MediaProcessorError, attempts: int, _: "WorkerSettings") -> Verdict:
    return _judge(error, attempts, SANDBOX_DELAYS)


def judge_delivery(
    error: MediaProcessorError, attempts: int, settings: "WorkerSettings"
) -> Verdict:
    return _judge(error, attempts, settings.upload_retry_delays)


def _judge(error: MediaProcessorError, attempts: int, delays: tuple[float, ...]) -> Verdict:
    match error.retry:
        case "never":
            return Verdict(None, counts=True)
        case "counted":
            return Verdict(_nth(delays, attempts), counts=True, parks=error.fault == "upstream")
        case "forever":
            return Verdict(OPERATOR_DELAY, counts=False)


def _nth(delays: tuple[float, ...], attempts: int) -> float | None:
    return delays[attempts] if attempts < len(delays) else None
