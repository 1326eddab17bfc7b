"""Speaks to a fast server as its users do: send pictures, wait for them, read the archive.

``AsyncClient`` does the work, ``Client`` runs it on an event loop in the background and waits.
Only ``async_connection`` touches the network.
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
