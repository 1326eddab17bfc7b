"""How much more memory this process may take."""

import resource
import sys
from pathlib import Path

_SIZES = Path("/proc/self/statm")  # proc_pid_statm(5): in pages, the first the address space


def free_memory() -> int:
    """Bytes of address space that are left within RLIMIT_AS; as good as endless where there is
    no limit or the system doesn't say."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return sys.maxsize
    try:
        pages = int(_SIZES.read_bytes().split()[0])
    except OSError:
        return sys.maxsize
    return limit - pages * resource.getpagesize()
