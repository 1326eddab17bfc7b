"""``GET /ready``: each part a service needs, by name."""

from fastapi import Response

from media_processor.errors import StorageError
from media_processor.messages.base import Check, Readiness
from media_processor.storage.base import Storage


def answer_ready(found: Readiness, response: Response) -> Readiness:
    response.status_code = 200 if found.ready else 503
    return found


def check_storage(storage: Storage, min_free_bytes: int) -> dict[str, Check]:
    try:
        storage.write("ready", b"")
        storage.delete("ready")
        writing = Check(ok=True, detail="writable")
    except (OSError, StorageError) as error:
        writing = Check(ok=False, detail=f"not writable: {type(error).__name__}")
    return {"storage": writing, "disk": _check_room(storage, min_free_bytes)}


def _check_room(storage: Storage, wanted: int) -> Check:
    try:
        free = storage.free_bytes()
    except (OSError, StorageError) as error:
        return Check(ok=False, detail=f"unknown: {type(error).__name__}")
    if free is None:
        return Check(ok=True, detail="no limit")
    return Check(ok=free >= wanted, detail=f"{free:,} bytes free, {wanted:,} required")
