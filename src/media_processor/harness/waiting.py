"""Waiting for a condition, with a bound, instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.02


def wait_until(check: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """Returns the first true value of ``check``; raises AssertionError after ``seconds``."""
    give_up = time.monotonic() + seconds
    while not (value := check()):
        if time.monotonic() > give_up:
            raise AssertionError(f"timed out after {seconds:g} s, waiting until {what}")
        time.sleep(_PAUSE)
    return value


async def wait_until_async(
    check: Callable[[], Awaitable[T | None]], what: str, seconds: float = 20
) -> T:
    give_up = time.monotonic() + seconds
    while not (value := await check()):
        if time.monotonic() > give_up:
            raise AssertionError(f"timed out after {seconds:g} s, waiting until {what}")
        await asyncio.sleep(_PAUSE)
    return value
