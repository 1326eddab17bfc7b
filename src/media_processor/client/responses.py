"""What the fast server's answers mean: a message, or a typed error."""

import time
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
from pydantic import ValidationError

from media_processor.errors import MediaProcessorError, ServerRefused, error_of
from media_processor.messages.base import Message, Problem
from media_processor.messages.media import Failure, MediaStatus

M = TypeVar("M", bound=Message)


def parsed(kind: type[M], answer: httpx2.Response) -> M:
    """The message in an answer that was read.

    Raises:
        MediaProcessorError: it holds none.
    """
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        if answer.is_success:
            raise ServerRefused(
                "The server's answer can't be understood. Is it media-processor's fast server?"
            ) from None
        raise refusal(answer) from None


def refusal(answer: httpx2.Response) -> MediaProcessorError:
    """The error of an answer that was read: that of the problem document's code."""
    document = _problem(answer)
    if document is None:
        reason = f"{answer.status_code} {answer.reason_phrase}".strip()
        return ServerRefused(f"The server answered {reason}, and no more about it.")
    seconds = told_to_wait(answer)
    told = {} if seconds is None else {"retry_after": round(seconds)}
    return _typed(document.code, document.detail, **told)


def is_deliberate(answer: httpx2.Response) -> bool:
    """Whether the fast server itself refused, and not a proxy before it."""
    return _problem(answer) is not None


def told_to_wait(answer: httpx2.Response) -> float | None:
    """Seconds after which the server wants to be asked again, if it says so."""
    after = answer.headers.get("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return None


def failure_of(media: MediaStatus) -> MediaProcessorError:
    """The error for which a media failed."""
    error = media.error or Failure(code="", detail="The server doesn't say why it failed.")
    return _typed(error.code, error.detail)


def _typed(code: str, detail: str, **told: int) -> MediaProcessorError:
    error = error_of(code, detail, **told)
    if error is None or type(error) is MediaProcessorError:  # the root says nothing
        return ServerRefused(detail)
    return error


def _problem(answer: httpx2.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return None
