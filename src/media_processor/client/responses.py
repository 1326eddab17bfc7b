"""Turns the fast server's responses into messages or typed errors."""

import time
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
from pydantic import ValidationError

from media_processor.errors import MediaProcessorError, ServerRefused, error_of
from media_processor.messages.base import Message, Problem
from media_processor.messages.media import Failure, MediaStatus

M = TypeVar("M", bound=Message)


_WRONG_SERVER = "Is this the fast server of media-processor?"
# What a web framework answers for a path that it doesn't have.
_NO_SUCH_PATH = {"not_found", "method_not_allowed"}


def parse(kind: type[M], answer: httpx2.Response) -> M:
    """Raises the error that ``answer`` holds instead, or ServerRefused."""
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        if answer.is_success:
            raise ServerRefused(f"The server sent an invalid response. {_WRONG_SERVER}") from None
        raise refusal(answer) from None


def refusal(answer: httpx2.Response) -> MediaProcessorError:
    document = _problem(answer)
    if document is None:
        reason = f"{answer.status_code} {answer.reason_phrase}".strip()
        return ServerRefused(f"The server answered {reason} without a problem document.")
    if document.code in _NO_SUCH_PATH:
        return ServerRefused(f"The server answered: {document.detail}. {_WRONG_SERVER}")
    seconds = retry_after(answer)
    fields = {} if seconds is None else {"retry_after": round(seconds)}
    return _error(document.code, document.detail, **fields)


def is_from_server(answer: httpx2.Response) -> bool:
    # A proxy in front of it sends no problem document.
    return _problem(answer) is not None


def retry_after(answer: httpx2.Response) -> float | None:
    # A number or a date.
    after = answer.headers.get("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return None


def failure_of(media: MediaStatus) -> MediaProcessorError:
    error = media.error or Failure(code="", detail="The server gave no reason.")
    return _error(error.code, error.detail)


def _error(code: str, detail: str, **fields: int) -> MediaProcessorError:
    error = error_of(code, detail, **fields)
    if error is None or type(error) is MediaProcessorError:  # the root class says nothing
        return ServerRefused(detail)
    return error


def _problem(answer: httpx2.Response) -> Problem | None:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:
        return None
