"""Each spool has one identity, whoever opens it, for as long as it exists."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media_processor.errors import SpoolDamaged
from media_processor.storage.local import LocalStorage
from media_processor.work.identity import identify
from tests.work.records import spool_in


def test_everybody_finds_the_same_identity(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda _: spool_in(tmp_path).identity, range(64)))
    assert len(found) == 1
    assert found == {spool_in(tmp_path).identity}
    assert found != {spool_in(tmp_path / "another").identity}


def test_a_spool_from_before_gets_one_and_keeps_its_records(tmp_path: Path) -> None:
    folder = tmp_path / "uploads" / "open"
    folder.mkdir(parents=True)
    media_id = "01a20a66-a48f-7ad5-bb5f-7d611df2d0fa"
    (folder / f"{media_id}.json").touch()
    spool = spool_in(tmp_path)
    assert len(spool.identity) == 12
    assert spool.open_ids() == [media_id]


@pytest.mark.parametrize("content", ["", "{}", '{"id": "../x", "created_at": "2026-01-15"}'])
def test_a_damaged_identity_is_said_so(tmp_path: Path, content: str) -> None:
    storage = LocalStorage(tmp_path)
    (tmp_path / "spool.json").write_text(content)
    with pytest.raises(SpoolDamaged, match=r"spool\.json in the spool can't be read"):
        identify(storage)


def test_a_spool_knows_whether_it_is_still_there(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    assert spool.is_itself()
    (tmp_path / "uploads").rename(tmp_path / "unmounted")
    assert not spool.is_itself()
    spool_in(tmp_path)
    assert not spool.is_itself()


def test_a_full_disk_keeps_no_spool_from_being_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = spool_in(tmp_path).identity

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert spool_in(tmp_path).identity == identity
