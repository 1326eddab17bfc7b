"""When a request is sent again, and after how many seconds. No I/O; it only reckons."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from media_processor.client.requests import Call
from media_processor.client.responses import is_deliberate, refusal, told_to_wait
from media_processor.errors import MediaProcessorError, ServerUnreachable

# A server that has too much to do and says when to come back is worth more patience than one
# that is silent.
PATIENCE_WHEN_TOLD = 900.0

# Half a second is what a server that restarts needs at least; five are little beside 30.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0

# What goes wrong here goes wrong again.
_HOPELESS = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, httpx2.TooManyRedirects)
# The request wasn't sent, so it can't have been carried out.
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


class Tries:
    """The attempts at one call. Each method gives the seconds to wait before the next, or
    raises what its caller is to learn."""

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
        self._pause = _FIRST_PAUSE
        self._away_since: float | None = None
        self._told_since: float | None = None

    def answered(self) -> None:
        """The server is there."""
        self._away_since = None

    def went_well(self) -> None:
        """What was asked for came, though not all of it yet."""
        self._away_since = self._told_since = None
        self._pause = _FIRST_PAUSE

    def without_answer(self, error: httpx2.RequestError) -> float:
        """No answer came, or not all of it."""
        unreachable = ServerUnreachable(
            f"{self._server} can't be reached ({type(error).__name__}). "
            "Is it running? 'media-processor up' starts everything."
        )
        may_repeat = self._call.repeatable or isinstance(error, _NOT_SENT)
        if isinstance(error, _HOPELESS) or not may_repeat:
            raise unreachable from None
        return self._while_away(f"{self._server} can't be reached", unreachable)

    def refused(self, answer: httpx2.Response) -> float:
        """An answer came, and was read, that says no."""
        status, seconds = answer.status_code, told_to_wait(answer)
        if status in (429, 503) and seconds is not None:
            self.answered()
            return self._as_told(seconds, refusal(answer))
        if status == 429:  # not carried out
            return self._while_away(f"{self._server} answers 429", refusal(answer))
        # A proxy before the server says these two; whether the server did it isn't known.
        if status in (502, 504) and self._call.repeatable and not is_deliberate(answer):
            return self._while_away(f"{self._server} answers {status}", refusal(answer))
        raise refusal(answer)

    def cut_off(self) -> float:
        """A stream ended before what was waited for came."""
        return self._next_pause()

    def _while_away(self, reason: str, error: MediaProcessorError) -> float:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        left = self._patience - (now - self._away_since)
        if left <= 0:
            raise error from None
        return self._wait(error, reason, min(self._next_pause(), left))

    def _as_told(self, seconds: float, error: MediaProcessorError) -> float:
        now = time.monotonic()
        if self._told_since is None:
            self._told_since = now
        left = PATIENCE_WHEN_TOLD - (now - self._told_since)
        if seconds > left or self._patience <= 0:
            raise error from None
        # Never earlier than told, and not all at the same time.
        seconds += random.uniform(0, 0.25)  # noqa: S311
        return self._wait(error, error.detail.rstrip("."), seconds)

    def _next_pause(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1)  # noqa: S311

    def _wait(self, error: MediaProcessorError, reason: str, seconds: float) -> float:
        if self._on_wait:
            self._on_wait(Wait(error.code, reason, seconds))
        return seconds


def waited_in_vain(what: str, status: str, timeout: float | None) -> TimeoutError:
    """What is raised when a media isn't done in time."""
    return TimeoutError(f"{what} is still {status} after {timeout or 0:g} s.")
