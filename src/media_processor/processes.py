"""What a process tells the system about itself: its children (prctl(2)), its files (umask(2))."""

import ctypes
import os
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


def keep_files_private() -> None:
    """What is made from now on is for this user alone: pictures, records, logs, keys."""
    os.umask(0o077)
