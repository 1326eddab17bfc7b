"""The spool's records as files: docs/storage-format.md, and what a crash leaves of it."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from media_processor.errors import SpoolDamaged
from media_processor.ids import day_folder
from media_processor.work.spool import Spool
from tests.work.records import accept, fail, store, watermark


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


def test_a_record_without_an_owner_belongs_to_main(spool: Spool) -> None:
    media = accept(spool)
    file = f"open/{media.record.id}.json"
    record = json.loads(spool.storage.read(file) or b"")
    del record["owner"]
    spool.storage.write(file, json.dumps(record).encode())
    assert spool.find(media.record.id).record == media.record


def test_lost_or_torn_progress_is_made_anew(spool: Spool, root: Path) -> None:
    """A power cut may leave an unsynced file empty: the record is enough to go on."""
    media = watermark(spool, accept(spool))
    progress = next((root / "progress").rglob("*.json"))
    for torn in (b"", b'{"status": "upl'):
        progress.write_bytes(torn)
        found = spool.find(media.record.id)
        assert found.status == "queued"
        assert not spool.is_watermarked(found)


def test_a_record_in_two_places_counts_as_finished(spool: Spool, root: Path) -> None:
    media = accept(spool)
    record = (root / "open" / f"{media.record.id}.json").read_bytes()
    store(spool, media)
    spool.storage.write(f"open/{media.record.id}.json", record)

    assert spool.find(media.record.id).status == "stored"
    assert len(spool.newest(None, None, 10)) == 1
    assert spool.forget_reopened(media.record.id)
    assert spool.open_ids() == []


def test_the_main_owners_keys_are_kept_as_before_there_were_owners(spool: Spool) -> None:
    accept(spool, key="k")
    digest = hashlib.sha256(b"k").hexdigest()
    assert spool.storage.size(f"keys/{digest[:2]}/{digest}.json")


def test_a_repetition_syncs_what_the_first_may_not_have_synced_yet(
    spool: Spool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one's 202 may be still to come when the second one's is sent."""
    media = accept(spool, key="k")
    synced: set[int] = set()
    monkeypatch.setattr(os, "fsync", lambda file: synced.add(os.fstat(file).st_ino))
    accept(spool, key="k")
    with spool.local_original(media.record) as original:
        pass
    assert {original.stat().st_ino, original.parent.stat().st_ino} <= synced
    (key,) = (root / "keys").glob("*/*")
    assert key.parent.stat().st_ino in synced
    record = root / "open" / f"{media.record.id}.json"
    assert {record.stat().st_ino, record.parent.stat().st_ino} <= synced


def test_a_crash_between_key_and_record_is_completed(spool: Spool) -> None:
    first = accept(spool, key="k")
    spool.storage.delete(f"open/{first.record.id}.json")

    assert accept(spool, key="k").record.id == first.record.id
    assert spool.open_ids() == [first.record.id]


def test_the_reason_is_durable_before_the_record_moves(
    spool: Spool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = accept(spool)
    synced: list[str] = []
    real = os.fsync

    def sync(descriptor: int) -> None:
        assert spool.find(media.record.id).place == "open"
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    fail(spool, media)
    file = next(number for number, path in enumerate(synced) if path.endswith(".part"))
    folder = root / "progress" / day_folder(media.record.id)
    assert str(folder) in synced[file:]


def test_a_damaged_record_is_reported_and_hides_no_other(spool: Spool) -> None:
    good, bad = accept(spool), accept(spool)
    spool.storage.write(f"open/{bad.record.id}.json", b"{")
    with pytest.raises(SpoolDamaged, match=bad.record.id):
        spool.find(bad.record.id)
    assert [one.record.id for one in spool.newest(None, None, 9)] == [good.record.id]


def test_a_watermark_of_the_wrong_size_does_not_count(spool: Spool) -> None:
    media = watermark(spool, accept(spool))
    spool.storage.write(f"watermarked/{media.record.id}", b"")
    assert not spool.is_watermarked(media)
