"""Opens the storage that a service's settings name: the only door to the back ends.

Called where a process is wired. It is made if it isn't there; raises SetupError if that can't be
done.
"""

from typing import TYPE_CHECKING

from media_processor.storage.base import Storage
from media_processor.storage.local import LocalStorage

if TYPE_CHECKING:
    from media_processor.settings import CentralServerSettings, SpoolSettings


def open_spool_storage(settings: "SpoolSettings") -> Storage:
    """Where the spool's pictures are."""
    return LocalStorage(settings.uploads_dir)


def open_archive_storage(settings: "CentralServerSettings", *, must_exist: bool = False) -> Storage:
    """Where the archive's pictures are.

    Raises:
        FileNotFoundError: it ``must_exist``, and doesn't; nothing was made.
    """
    if must_exist and not settings.storage_dir.is_dir():
        raise FileNotFoundError(settings.storage_dir)
    return LocalStorage(settings.storage_dir)
