"""Parent and child processes on Linux, by prctl(2)."""

import ctypes
import signal
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def die_with_parent(sign: signal.Signals) -> None:
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, sign)


def adopt_orphans(adopt: bool) -> None:
    if _LIBC:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt))
