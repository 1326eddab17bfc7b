"""Ports for servers that run side by side."""

import os
import socket
from itertools import cycle

# Below the ports that the system gives to connections. Each process goes round in a block of
# its own, as a port that was given out may be left unused for a long time, on purpose.
_FIRST, _BLOCK, _BLOCKS = 20_000, 500, 24
_rounds = cycle(range(_BLOCK))


def free_port() -> int:
    # Given to nobody else on this machine soon.
    first = _FIRST + os.getpid() % _BLOCKS * _BLOCK
    while True:
        port = first + next(_rounds)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
