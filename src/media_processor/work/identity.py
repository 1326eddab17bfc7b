"""A spool's identity, by which people and jobs tell it from any other."""

import secrets

from pydantic import ValidationError

from media_processor.errors import SpoolDamaged
from media_processor.ids import now
from media_processor.messages.systems import SpoolIdentity
from media_processor.storage.base import Storage

_KEY = "spool.json"


def identify(storage: Storage) -> str:
    """The identity of the spool in ``storage``; a spool that has none gets one, durably.

    Raises:
        SpoolDamaged: it can't be read.
    """
    if (found := identity_in(storage)) is None:
        new = SpoolIdentity(id=secrets.token_hex(6), created_at=now())
        storage.create(_KEY, new.model_dump_json().encode())
        found = identity_in(storage)  # perhaps that of another process, which was faster
    if found is None:
        raise SpoolDamaged(f"{_KEY} in the spool has vanished again. Is something removing files?")
    return found


def identity_in(storage: Storage) -> str | None:
    data = storage.read(_KEY)
    if data is None:
        return None
    try:
        return SpoolIdentity.model_validate_json(data).id
    except ValidationError:
        raise SpoolDamaged(
            f"{_KEY} in the spool can't be read. Restore it from a backup, or remove it: then the "
            "next start writes a new one."
        ) from None
