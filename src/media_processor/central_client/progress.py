"""Ends a delivery that makes no progress: no byte is acknowledged, and no answer comes."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from media_processor.errors import CentralUnavailable

MINIMUM_PACE = 4_000
"""Bytes a second that a whole delivery must reach: half of what each of eight gets of a line of
64 kB/s, the slowest that pictures are sent over. The largest upload, 50 MB, then may take 3.5 h.
The central server gives up at 1,000."""

_LOOK_EVERY = 0.5

# struct tcp_info of linux/tcp.h: tcpi_bytes_acked and tcpi_bytes_received, 64 bits each.
_ACKNOWLEDGED, _END = 120, 136


class NoProgress(CentralUnavailable):
    """The central server, or the way to it, is too slow."""


def moved_bytes(connection: socket.socket | None) -> int | None:
    """Bytes that the peer has acknowledged, and those that came from it; None if unknown.

    A write only says what the kernel has taken, which buffers megabytes.
    """
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return None
    try:
        found = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _END)
    except (OSError, ValueError):  # closed meanwhile
        return None
    if len(found) < _END:
        return None
    acknowledged, received = struct.unpack("@QQ", found[_ACKNOWLEDGED:_END])
    return int(acknowledged + received)


@asynccontextmanager
async def while_it_moves(seconds: float, moved: Callable[[], int]) -> AsyncIterator[None]:
    """Let the body run while ``moved()`` grows at least every so many ``seconds``.

    Raises:
        NoProgress: it didn't, or the whole is below the minimum pace.
    """
    loop = asyncio.get_running_loop()
    began = last = loop.time()
    most = 0
    every = min(_LOOK_EVERY, seconds / 4)
    looking: asyncio.TimerHandle

    def look() -> None:
        nonlocal last, most, looking
        now, so_far = loop.time(), moved()
        if so_far > most and not limit.expired():
            last, most = now, so_far
            limit.reschedule(min(now + seconds, began + seconds + so_far / MINIMUM_PACE))
        looking = loop.call_later(every, look)

    looking = loop.call_later(every, look)
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if (limit.when() or 0.0) < last + seconds:
            raise NoProgress(
                f"The delivery to the central server is slower than {MINIMUM_PACE:,} bytes/s."
            ) from None
        raise NoProgress(
            f"The central server took nothing and didn't answer for {seconds:g} s."
        ) from None
    finally:
        looking.cancel()
