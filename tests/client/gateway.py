"""The fast server with ``/archive``, as long as the real one has none: the archive's own list
has the same shape."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.client.stub import Action, Exchange, Stub, hand_on, routed
from tests.system import System


@contextmanager
def gateway(system: System) -> Iterator[Stub]:
    """Hands ``/archive`` on to the central server and the rest to the fast server."""

    def choose(exchange: Exchange) -> Action:
        if exchange.path.startswith("/archive"):
            path = exchange.path.replace("/archive", "/media", 1)
            return hand_on(system.central_url, path=path)
        return hand_on(system.fast_url)

    with routed(choose) as server:
        yield server
