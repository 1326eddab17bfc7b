"""What the system keeps is for its own user alone."""

import stat
from pathlib import Path

from tests.images.pictures import encoded, photo
from tests.system import System


def test_nobody_else_can_read_pictures_records_logs_and_keys(running: System) -> None:
    sent = running.upload(encoded(photo((60, 40)), "JPEG"))
    running.wait_for(sent.id, "stored")
    running.http.get(f"/media/{sent.id}/thumbnail").raise_for_status()
    names = ("uploads", "central_storage", "thumbnails", "worker_activity.log", "audit_key.pem")
    found = [path for name in names for path in (running.data / name, *_below(running.data / name))]
    assert len(found) > 20
    assert [path for path in found if path.exists() and _is_open(path)] == []


def _below(path: Path) -> list[Path]:
    return list(path.rglob("*"))


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.lstat().st_mode) & 0o077)
