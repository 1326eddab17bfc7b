"""What the central server's answers mean."""

from typing import TypeVar

import httpx2
from pydantic import ValidationError

from media_processor.errors import (
    CentralRefused,
    CentralUnavailable,
    DigestMismatch,
    MediaConflict,
    StorageFull,
)
from media_processor.messages.base import Message, Problem
from media_processor.messages.media import Receipt

# The central server's ALLOWED_HOSTS lack its name in CENTRAL_SERVER_URL: not the picture's fault.
UNKNOWN_HOST = 421
# Request timeout, too early, too many requests.
_RETRYABLE = {408, UNKNOWN_HOST, 425, 429}

Answer = TypeVar("Answer", bound=Message)


def unreachable(error: Exception) -> CentralUnavailable:
    return CentralUnavailable(f"The central server can't be reached ({type(error).__name__}).")


def read(kind: type[Answer], answer: httpx2.Response) -> Answer:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        raise CentralUnavailable("The central server sent an invalid response.") from None


def receipt_of(answer: httpx2.Response) -> Receipt:
    """The receipt of a delivery; raises what it became instead, as CentralClient.deliver says."""
    status = answer.status_code
    if status in (200, 201):
        try:
            return Receipt.model_validate_json(answer.content)
        except ValidationError:
            raise CentralUnavailable("The central server sent an invalid receipt.") from None
    code, reason = problem_of(answer)
    detail = f"The central server answered {status}: {reason}"
    for kind in (DigestMismatch, MediaConflict, StorageFull):
        if code == kind.code:
            raise kind(detail)
    if not 400 <= status < 500 or status in _RETRYABLE:
        raise CentralUnavailable(detail)
    raise CentralRefused(detail)


def problem_of(answer: httpx2.Response) -> tuple[str, str]:
    """Code and reason."""
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return "", answer.reason_phrase or "no reason given"
    return problem.code, problem.detail[:500]
