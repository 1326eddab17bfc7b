"""The invariant: *accepted = stored ∪ visible failures, each stored once, nothing left*.

It is read off the disk, the archive's catalogue and Redis, not off what the services say.
"""

import hashlib
import io
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from media_processor.central_server.audit import Altered, verify
from media_processor.central_server.catalogue import Catalogue, open_catalogue
from media_processor.central_server.chain import read_public_key
from media_processor.errors import MediaProcessorError
from media_processor.harness.machine import Machine
from media_processor.harness.waiting import wait_until
from media_processor.messages.archive import StoredMedia
from media_processor.work.spool import Spool

_TWO_HOURS = 7200.0


@dataclass
class Finding:
    """What became of the pictures. ``wrong`` says in words what broke the invariant."""

    accepted: int = 0
    stored: int = 0
    failed: int = 0
    lost: int = 0
    duplicates: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.duplicates or self.wrong)


def wait_drained(machine: Machine, seconds: float, *, revive: bool = False) -> float:
    """Returns the seconds it took; raises AssertionError after ``seconds``."""
    began = time.monotonic()

    def drained() -> bool:
        if revive:
            machine.revive()
        return not machine.open_records()

    wait_until(drained, "the spool drains", seconds)
    return time.monotonic() - began


def examine(
    machine: Machine, accepted: Mapping[str, str], *, others_allowed: bool = False
) -> Finding:
    """Compare everything with ``accepted``, which maps ids to names; the spool must be drained.

    ``others_allowed``: uploads that were cut off may be stored all the same.
    """
    spool = machine.spool()
    rows = _rows(machine)
    others = 0 if others_allowed else len(rows.keys() - accepted.keys())
    finding = Finding(accepted=len(accepted), duplicates=others)
    for media_id in accepted:
        _look_at(finding, spool, media_id, rows)
    finding.wrong += _wrong_files(machine, rows.values())
    finding.wrong += _wrong_lines(finding, machine, rows.values())
    finding.wrong += _altered(machine)
    finding.wrong += _leftovers(machine)
    return finding


def _rows(machine: Machine) -> dict[str, StoredMedia]:
    catalogue = open_catalogue(machine.data / "catalogue.sqlite")
    try:
        return {row.media_id: row for row in _all(catalogue)}
    finally:
        catalogue.close()


def _all(catalogue: Catalogue) -> Iterable[StoredMedia]:
    before: str | None = None
    while page := catalogue.newest(before, 500):
        yield from page
        before = page[-1].media_id


def _look_at(
    finding: Finding, spool: Spool, media_id: str, rows: Mapping[str, StoredMedia]
) -> None:
    try:
        media = spool.find(media_id)
    except MediaProcessorError as error:
        finding.lost += 1
        finding.wrong.append(f"{media_id}: {error.detail}")
        return
    if media.status == "stored":
        finding.stored += 1
        if media_id not in rows:
            finding.lost += 1
            finding.wrong.append(f"{media_id}: stored in the spool, but the archive has no row")
    elif media.status == "failed":
        finding.failed += 1
        if media.progress.error is None:
            finding.wrong.append(f"{media_id}: failed without a reason")
    else:
        finding.wrong.append(f"{media_id}: still {media.status}")


def _wrong_files(machine: Machine, rows: Iterable[StoredMedia]) -> list[str]:
    wrong = []
    expected = set()
    for row in rows:
        path = machine.data / row.stored_path
        expected.add(path)
        content = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(content).hexdigest() != row.sha256:
            wrong.append(f"{row.media_id}: the archive's file doesn't match its row")
            continue
        try:
            Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]).load()
        except (OSError, ValueError, SyntaxError) as error:
            wrong.append(f"{row.media_id}: the archive's file doesn't decode: {error}")
    # A crash between file and row leaves a file, but its redelivery replaces it.
    unknown = set(machine.stored_files()) - expected
    wrong += [f"a file without a row: {path.name}" for path in unknown]
    return wrong


def _wrong_lines(finding: Finding, machine: Machine, rows: Iterable[StoredMedia]) -> list[str]:
    wanted = Counter(f"WORKER: {row.worker_name} | IMAGE: {row.filename}" for row in rows)
    found = Counter(line.partition("] ")[2] for line in machine.log_lines())
    finding.duplicates += (found - wanted).total()
    missing = (wanted - found).total()
    return [f"{missing} lines are missing from the log"] if missing else []


def _altered(machine: Machine) -> list[str]:
    key = machine.data / "audit_key.pub.pem"
    if not key.exists():
        return []  # this archive was never started
    try:
        verify(machine.data / "worker_activity.log", read_public_key(key), [])
    except Altered as altered:
        return [f"the log was altered: {altered}"]
    return []


def _leftovers(machine: Machine) -> list[str]:
    # What killed writers left goes after an hour; here that hour is made to pass.
    wrong = []
    for path in machine.temporary_files():
        _age(path)
    if machine.processes:
        try:
            wait_until(lambda: not machine.temporary_files(), "leftovers are swept", 30)
        except AssertionError:
            wrong += [f"left over: {path}" for path in machine.temporary_files()]
    wrong += [f"a Redis key without expiry: {key}" for key in machine.valkey.keys_without_ttl()]
    return wrong


def _age(path: Path) -> None:
    then = time.time() - _TWO_HOURS
    try:
        os.utime(path, (then, then))
    except FileNotFoundError:
        return
