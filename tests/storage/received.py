"""Incoming files, as a server or a picture process writes them."""

from media_processor.storage.base import Storage
from media_processor.storage.incoming import Incoming


def received(storage: Storage, content: bytes) -> Incoming:
    incoming = storage.incoming()
    with incoming.open() as file:
        file.write(content)
    return incoming
