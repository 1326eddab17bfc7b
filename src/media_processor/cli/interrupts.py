"""Cancels a command's work on Ctrl-C, so that it can sum up what was done."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

INTERRUPTED = 130
"""Exit status, as of a shell's own commands: 128 and the number of SIGINT."""


def run(work: Coroutine[Any, Any, int]) -> int:
    """Returns the exit status of ``work``, or 130 if SIGINT or SIGTERM ended it."""

    async def guarded() -> int:
        task = asyncio.current_task()
        for sign in (signal.SIGINT, signal.SIGTERM):
            if task:
                asyncio.get_running_loop().add_signal_handler(sign, task.cancel)
        try:
            return await work
        except asyncio.CancelledError:
            return INTERRUPTED

    return asyncio.run(guarded())
