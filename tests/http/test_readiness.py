import errno
from pathlib import Path

import pytest
from fastapi import Response

from media_processor.http.readiness import answer_ready, check_storage
from media_processor.messages.base import Check, Readiness
from media_processor.storage.local import LocalStorage


def test_a_storage_that_can_be_written_is_ready(tmp_path: Path) -> None:
    checks = check_storage(LocalStorage(tmp_path), 1)
    assert {name: check.ok for name, check in checks.items()} == {"storage": True, "disk": True}
    assert not check_storage(LocalStorage(tmp_path), 2**62)["disk"].ok


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, "StorageFull"),
        (errno.EIO, "StorageFailing"),
        (errno.EROFS, "StorageFailing"),
        (errno.EACCES, "StorageFailing"),
    ],
)
def test_a_disk_that_refuses_is_a_failed_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: str
) -> None:
    storage = LocalStorage(tmp_path)

    def refuse(*_: object) -> int:
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    checks = check_storage(storage, 1)
    assert not checks["storage"].ok
    assert checks["storage"].detail == f"not writable: {kind}"
    assert checks["disk"].ok


def test_a_disk_that_cannot_be_asked_for_its_room_is_a_failed_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(tmp_path)

    def broken(_: LocalStorage) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(LocalStorage, "free_bytes", broken)
    checks = check_storage(storage, 1)
    assert checks["storage"].ok
    assert (checks["disk"].ok, checks["disk"].detail) == (False, "unknown: OSError")


def test_a_check_without_a_state_is_ok_or_an_error() -> None:
    """As servers sent it before there were states."""
    assert Check.model_validate_json('{"ok": true, "detail": ""}').state == "ok"
    assert Check.model_validate_json('{"ok": false, "detail": ""}').state == "error"


def test_only_what_is_not_ok_makes_a_service_unready() -> None:
    response = Response()
    missing = Check(ok=True, detail="No worker works on this spool.", state="error")
    found = answer_ready(Readiness.of({"workers": missing}), response)
    assert (found.ready, found.state, response.status_code) == (True, "error", 200)
    found = answer_ready(Readiness.of({"redis": Check(ok=False, detail="away")}), response)
    assert (found.ready, found.state, response.status_code) == (False, "error", 503)
