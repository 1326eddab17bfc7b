"""``GET /ready``: each part a service needs, by name."""

from fastapi import Response

from media_processor.errors import StorageFull
from media_processor.messages.base import Check, Readiness
from media_processor.storage.local import LocalStorage


def readiness(checks: dict[str, Check], response: Response) -> Readiness:
    """The answer; its status is 503 unless all is well."""
    ready = all(check.ok for check in checks.values())
    if not ready:
        response.status_code = 503
    return Readiness(ready=ready, checks=checks)


def check_storage(storage: LocalStorage, min_free_bytes: int) -> dict[str, Check]:
    """Whether files can be written and there is room for more."""
    try:
        storage.write("ready", b"")
        storage.delete("ready")
        writing = Check(ok=True, detail="can be written")
    except (OSError, StorageFull) as error:
        writing = Check(ok=False, detail=f"can't be written: {type(error).__name__}")
    free = storage.free_bytes()
    enough = free >= min_free_bytes
    room = Check(ok=enough, detail=f"{free:,} bytes free, {min_free_bytes:,} wanted")
    return {"storage": writing, "disk": room}
