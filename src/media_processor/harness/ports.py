"""Ports for servers that run side by side."""

import socket
from functools import cache
from itertools import cycle

# Below the ports that the system gives to connections. Each process goes round in a block of
# its own, as a port that was given out may be left unused for a long time, on purpose.
_FIRST, _BLOCK, _BLOCKS = 20_000, 500, 24
_rounds = cycle(range(_BLOCK))


def free_port() -> int:
    # Given to nobody else on this machine soon.
    first = _FIRST + _block()[0] * _BLOCK
    while True:
        port = first + next(_rounds)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@cache
def _block() -> tuple[int, socket.socket]:
    """The first block that no other process has, and what keeps it ours: a socket of a name that
    ends with the process."""
    for number in range(_BLOCKS):
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0media-processor-ports-{number}")
        except OSError:
            held.close()
        else:
            return number, held
    raise RuntimeError(f"All {_BLOCKS} blocks of ports are taken by running tests.")
