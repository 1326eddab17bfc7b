"""Whether a request is sent again, and after how many seconds. No I/O."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from media_processor.client.requests import Call
from media_processor.client.responses import is_from_server, refusal, retry_after
from media_processor.errors import MediaProcessorError, ServerUnreachable

# A busy server that says when to come back is waited for longer than one that doesn't answer.
MAX_BUSY_SECONDS = 900.0

# A restarting server needs at least half a second; five are short against a patience of 30.
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 5.0

# These would fail again.
_NEVER_RETRIED = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.TooManyRedirects)
# The request wasn't sent, so the server can't have acted on it.
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True)
class Wait:
    """What ``on_wait`` gets: why a request has to be sent again, and when.

    ``code`` is that of the error which is raised if the client gives up, such as
    ``server_unreachable`` or ``overloaded``; ``reason`` is a sentence without its full stop;
    ``seconds`` is the pause until the next attempt.
    """

    code: str
    reason: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.reason}; trying again in {self.seconds:.1f} s."


OnWait = Callable[[Wait], None]


class Retries:
    """The attempts at one call. Each ``after_…`` method returns the seconds to wait before the
    next attempt, or raises the error that ends the call."""

    def __init__(
        self,
        call: Call,
        server: httpx2.URL,
        patience: float,
        on_wait: OnWait | None = None,
    ) -> None:
        self._call = call
        self._server = server
        self._patience = patience
        self._on_wait = on_wait
        self._delay = _FIRST_DELAY
        self._failing_since: float | None = None
        self._busy_since: float | None = None

    def server_reached(self) -> None:
        self._failing_since = None

    def reset(self) -> None:
        # There was progress: the next failure counts as the first.
        self._failing_since = self._busy_since = None
        self._delay = _FIRST_DELAY

    def after_network_error(self, error: httpx2.RequestError) -> float:
        unreachable = ServerUnreachable(
            f"{self._server} can't be reached ({type(error).__name__}). "
            "Is it running? 'media-processor up' starts everything."
        )
        may_repeat = self._call.repeatable or isinstance(error, _NOT_SENT)
        if isinstance(error, _NEVER_RETRIED) or not may_repeat:
            raise unreachable from None
        return self._back_off(f"{self._server} can't be reached", unreachable)

    def after_refusal(self, answer: httpx2.Response) -> float:
        status, seconds = answer.status_code, retry_after(answer)
        if status in (429, 503) and seconds is not None:
            self.server_reached()
            return self._respect_retry_after(seconds, refusal(answer))
        if status == 429:  # the server did nothing
            return self._back_off(f"{self._server} answered 429", refusal(answer))
        # From a proxy; the server may have acted on the request.
        if status in (502, 504) and self._call.repeatable and not is_from_server(answer):
            return self._back_off(f"{self._server} answered {status}", refusal(answer))
        raise refusal(answer)

    def after_stream_end(self) -> float:
        return self._next_delay()

    def _back_off(self, reason: str, error: MediaProcessorError) -> float:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        left = self._patience - (now - self._failing_since)
        if left <= 0:
            raise error from None
        return self._wait(error, reason, min(self._next_delay(), left))

    def _respect_retry_after(self, seconds: float, error: MediaProcessorError) -> float:
        now = time.monotonic()
        if self._busy_since is None:
            self._busy_since = now
        left = MAX_BUSY_SECONDS - (now - self._busy_since)
        if seconds > left or self._patience <= 0:
            raise error from None
        # Never earlier than the server said, and spread out so that clients don't return together.
        seconds += random.uniform(0, 0.25)  # noqa: S311
        return self._wait(error, error.detail.rstrip("."), seconds)

    def _next_delay(self) -> float:
        delay, self._delay = self._delay, min(2 * self._delay, _LONGEST_DELAY)
        return delay * random.uniform(0.5, 1)  # noqa: S311

    def _wait(self, error: MediaProcessorError, reason: str, seconds: float) -> float:
        if self._on_wait:
            self._on_wait(Wait(error.code, reason, seconds))
        return seconds


def wait_timed_out(what: str, status: str, timeout: float | None) -> TimeoutError:
    return TimeoutError(f"{what} is still {status} after {timeout or 0:g} s.")
