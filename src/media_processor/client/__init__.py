"""Speaks to a fast server as its users do: send pictures, wait for them, read the archive.

``Client`` blocks, ``AsyncClient`` doesn't. Both are thin shells over what they share:
``requests``, ``responses``, ``retries``, ``multipart``, ``downloads``, ``events``, of which none
touches the network.
"""

from media_processor.client.async_client import AsyncClient, AsyncMedia
from media_processor.client.retries import Wait
from media_processor.client.sync_client import Client, Media

__all__ = [
    "AsyncClient",
    "AsyncMedia",
    "Client",
    "Media",
    "Wait",
]
