"""Calls to the operating system that fail, one after the other."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

_OPENING = ((os, "open"), (io, "open"), (os, "listdir"))
_OTHERS = ((os, "replace"), (os, "link"), (os, "mkdir"), (os, "fsync"))


@contextmanager
def failing_call(which: int, number: int, *, lasting: bool = False) -> Iterator[list[str]]:
    """The call of this index, from 0 on, fails with this errno; the list names what has failed.

    With ``lasting``, all later ones that open something fail, too: as if there were too many open
    files.
    """
    failed: list[str] = []
    seen = iter(range(10_000))

    def failing(name: str, real: Callable[..., Any], opens: bool) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if next(seen) == which or (lasting and failed and opens):
                failed.append(name)
                raise OSError(number, os.strerror(number))
            return real(*arguments, **more)

        return call

    with ExitStack() as patched:
        for calls, opens in ((_OPENING, True), (_OTHERS, False)):
            for module, name in calls:
                real = getattr(module, name)
                patched.enter_context(patch.object(module, name, failing(name, real, opens)))
        yield failed
