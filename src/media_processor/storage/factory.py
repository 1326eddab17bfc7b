"""Opens the storage that the settings name: the only door to the back ends."""

from pathlib import Path

from media_processor.storage.base import Storage
from media_processor.storage.local import LocalStorage


def open_storage(folder: Path) -> Storage:
    """The storage in ``folder``, which is made if it isn't there; called where a process is wired.

    Raises:
        OSError, StorageFull, StorageFailing: the folder can't be made.
    """
    return LocalStorage(folder)
