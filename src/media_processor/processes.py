"""What the operating system does for a process that has children."""

import ctypes
import signal
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def die_with_parent(sign: signal.Signals) -> None:
    """Have Linux send us ``sign`` if our parent dies, even by SIGKILL (prctl(2))."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, sign)


def adopt_orphans(adopt: bool) -> None:
    """Whether we become the parent of our descendants whose own parent ends (prctl(2))."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt))
