"""What the operating system does for a process that has children."""

import ctypes
import signal
import sys

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def die_with_parent(sign: signal.Signals) -> None:
    """Have Linux send us ``sign`` if our parent dies, even by SIGKILL (prctl(2))."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, sign)
