"""Blocking context managers, used from an event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

_Value = TypeVar("_Value")


@asynccontextmanager
async def in_thread(context: AbstractContextManager[_Value]) -> AsyncIterator[_Value]:
    """Enter and leave ``context`` in a thread; errors of the body aren't passed to it."""
    value = await asyncio.to_thread(context.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
