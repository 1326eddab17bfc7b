"""The chain beside the log: made again to the byte, and every alteration seen."""

import hashlib
import json
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from media_processor.central_server.archive import Archive
from media_processor.central_server.audit import Altered, Verified, verify
from media_processor.central_server.catalogue import open_catalogue
from media_processor.central_server.chain import (
    ChainEntry,
    is_genuine,
    open_signer,
    public_key_file,
    read_public_key,
)
from media_processor.central_server.log_files import LogFiles
from media_processor.errors import SetupError, StorageFailing
from media_processor.ids import new_media_id
from media_processor.messages.archive import Checkpoint
from tests.central_server.place import Place, delivery
from tests.cli import shell

_NAMES = ["sequence", "offset", "length", "line", "media_id", "sha256", "previous", "hash"]
ENTRY = ChainEntry(1, 0, 71, "a line", "019ab3c4-0000-7000-8000-000000000000", "5a" * 32, "0" * 64)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def check(place: Place, witness: list[Checkpoint] | None = None) -> Verified:
    key = read_public_key(public_key_file(place.root / "audit_key.pem"))
    return verify(place.log, key, witness or [])


def fill(place: Place, count: int) -> Archive:
    archive = place.open()
    for number in range(count):
        archive.store(delivery(archive, str(number).encode(), name=f"{number}.jpg"))
    return archive


def chain(place: Place) -> Path:
    return place.log.with_name("worker_activity.log.chain")


class TestFormat:
    def test_an_entry_is_what_the_documents_say(self) -> None:
        told = json.loads(ENTRY.encode())
        assert list(told) == _NAMES
        digest = told.pop("hash")
        body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
        assert digest == hashlib.sha256(body).hexdigest() == ENTRY.hash
        assert digest == "3555da0b61a37d34cdcb593075e42ad93ed23050554b934019705444f76c3734"
        assert ENTRY.encode().endswith(f',"hash":"{digest}"}}\n'.encode())

    def test_an_owner_stands_before_the_previous_hash_and_the_main_owner_does_not(self) -> None:
        owned = replace(ENTRY, owner="anna")
        assert list(json.loads(owned.encode())) == [*_NAMES[:6], "owner", *_NAMES[6:]]
        assert owned.hash != ENTRY.hash
        assert b"owner" not in ENTRY.encode()

    def test_a_checkpoint_is_the_same_each_time_and_bound_to_all_it_says(
        self, tmp_path: Path
    ) -> None:
        signer = open_signer(tmp_path / "key.pem")
        made = signer.checkpoint(256, "ab" * 32, 999)
        assert made == open_signer(tmp_path / "key.pem").checkpoint(256, "ab" * 32, 999)
        assert is_genuine(made)
        for other in (
            {"sequence": 257},
            {"hash": "ba" * 32},
            {"end": 998},
            {"key": open_signer(tmp_path / "other.pem").public},
            {"signature": "00" * 64},
            {"key": "not hex"},
        ):
            assert not is_genuine(made.model_copy(update=other))

    def test_the_private_key_is_the_servers_alone(self, tmp_path: Path) -> None:
        open_signer(tmp_path / "key.pem")
        assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
        assert "PRIVATE" not in (tmp_path / "key.pub.pem").read_text()
        (tmp_path / "key.pem").write_text("no key")
        with pytest.raises(SetupError, match="AUDIT_KEY"):
            open_signer(tmp_path / "key.pem")


class TestCompleting:
    def test_a_torn_or_missing_end_is_written_again_to_the_byte(self, place: Place) -> None:
        fill(place, 3)
        whole_log, whole_chain = place.log.read_bytes(), chain(place).read_bytes()
        last = whole_chain.rindex(b"\n", 0, -1) + 1
        for cut in [0, *range(last, len(whole_chain), 7), len(whole_chain) - 1]:
            chain(place).write_bytes(whole_chain[:cut])
            place.open()
            assert chain(place).read_bytes() == whole_chain, cut
        for cut in range(0, len(whole_log), 11):
            place.log.write_bytes(whole_log[:cut])
            place.open()
            assert place.log.read_bytes() == whole_log, cut
        assert check(place).entries == 3

    @pytest.mark.slow
    def test_a_checkpoint_that_a_crash_cut_off_is_written_again(self, place: Place) -> None:
        fill(place, 257)
        whole = chain(place).read_bytes()
        begin = whole.index(b'{"checkpoint"')
        end = whole.index(b"\n", begin) + 1
        for cut in (begin, begin + 9, end - 1, end):
            chain(place).write_bytes(whole[:cut])
            place.open()
            assert chain(place).read_bytes() == whole
        assert check(place) == Verified(entries=257, checkpoints=1)

    def test_both_removed_while_it_runs_come_back(self, place: Place) -> None:
        archive = fill(place, 3)
        place.log.unlink()
        chain(place).unlink()
        archive.store(delivery(archive))
        assert check(place).entries == 4

    def test_a_catalogue_that_is_older_than_the_log_is_refused(self, place: Place) -> None:
        fill(place, 3)
        place.close()
        for file in place.root.glob("c.sqlite*"):
            file.unlink()
        with pytest.raises(
            SetupError, match="older than the activity log: it ends at picture 0, the log at 3"
        ):
            place.open()

    def test_a_rotation_that_fails_half_way_is_completed(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.rotate_bytes = 500
        archive = fill(place, 5)
        real = Path.replace

        def replace(path: Path, target: Path) -> Path:
            if path == place.log:
                raise OSError(1, "not permitted")
            return real(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", replace)
            for _ in range(20):
                try:
                    archive.store(delivery(archive))
                except OSError:
                    break
        for _ in range(10):
            archive.store(delivery(archive))
        place.open()
        assert check(place).entries == len(archive.catalogue.newest(None, 100))

    @pytest.mark.parametrize("fails", [1, 2])
    def test_a_failed_sync_is_never_called_good(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, fails: int
    ) -> None:
        """First the chain's, then the log's: what was written is cut off again."""
        archive = fill(place, 2)
        before = place.log.read_bytes(), chain(place).read_bytes()
        real, count = os.fdatasync, iter(range(1, 100))

        def sync(descriptor: int) -> None:
            if next(count) == fails:
                raise OSError(5, "bad sector")
            real(descriptor)

        monkeypatch.setattr(os, "fdatasync", sync)
        given = delivery(archive, b"x", new_media_id())
        with pytest.raises(StorageFailing):
            archive.store(given)
        assert place.log.read_bytes() == before[0]
        if fails == 1:
            assert chain(place).read_bytes() == before[1]
            # The row is there; a witness that saw it would be ahead of the chain.
            assert check(place, archive.checkpoints(0, 10)).entries == 2
        again = delivery(archive, b"x", given.media_id)
        assert archive.store(again)[1] is False
        assert check(place).entries == 3

    def test_an_archive_from_before_the_chain_gets_one(
        self, place: Place, database: Path | str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A real catalogue of the first version, with rows."""
        place.database = database
        engine = _catalogue_of(database, "0001", monkeypatch)
        offset = 0
        with engine.begin() as connection:
            for number in range(300):
                line = f"[2026-01-15 14:30:45] WORKER: w | IMAGE: {number}.jpg\n"
                end = offset + len(line)
                connection.execute(
                    sa.text(
                        "INSERT INTO stored_media VALUES (:id, 'a', 'w', 'image/jpeg', :path, "
                        "'ab', 1, '2026-01-15T14:30:45+00:00', :offset, :end, :line)"
                    ),
                    {
                        "id": new_media_id(),
                        "path": f"{number}",
                        "offset": offset,
                        "end": end,
                        "line": line,
                    },
                )
                offset = end
        engine.dispose()
        archive = place.open()
        archive.store(delivery(archive))
        assert check(place) == Verified(entries=301, checkpoints=1)

    def test_an_archive_from_before_there_were_owners_goes_on(
        self, place: Place, database: Path | str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A real catalogue of version 0003 with its log and chain, all made without our code."""
        place.database = database
        old_log, old_chain = _archive_without_owners(place, database, monkeypatch)
        archive = place.open()
        assert {media.owner for media in archive.catalogue.newest(None, 10)} == {"main"}
        archive.store(delivery(archive, owner="anna"))
        archive.store(delivery(archive))
        assert check(place, archive.checkpoints(0, 10)).entries == 5
        assert archive.catalogue.newest(None, 10)[1].owner == "anna"
        whole_log, whole_chain = place.log.read_bytes(), chain(place).read_bytes()
        assert whole_log.startswith(old_log)
        assert whole_chain.startswith(old_chain)
        assert whole_chain.count(b'"owner"') == whole_chain.count(b'"owner":"anna"') == 1
        assert b"anna" not in whole_log

        for lost in (place.log, chain(place)):
            lost.unlink()
        place.open()
        assert (place.log.read_bytes(), chain(place).read_bytes()) == (whole_log, whole_chain)


def _catalogue_of(
    database: Path | str, revision: str, monkeypatch: pytest.MonkeyPatch
) -> sa.Engine:
    upgrade = command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _: upgrade(config, revision))
        open_catalogue(database).close()
    return sa.create_engine(database if isinstance(database, str) else f"sqlite:///{database}")


def _archive_without_owners(
    place: Place, database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> tuple[bytes, bytes]:
    log, entries, previous = b"", b"", "0" * 64
    engine = _catalogue_of(database, "0003", monkeypatch)
    with engine.begin() as connection:
        for number in range(1, 4):
            line = f"[2026-01-15 14:30:4{number}] WORKER: w | IMAGE: {number}.jpg"
            media_id = new_media_id()
            body = (
                f'{{"sequence":{number},"offset":{len(log)},"length":{len(line) + 1},'
                f'"line":"{line}","media_id":"{media_id}","sha256":"ab","previous":"{previous}"'
            )
            previous = hashlib.sha256(f"{body}}}".encode()).hexdigest()
            connection.execute(
                sa.text(
                    "INSERT INTO stored_media VALUES (:id, 'a', 'w', 'image/jpeg', :path, 'ab', 1, "
                    "'2026-01-15T14:30:45+00:00', :offset, :end, :line, :sequence, :hash)"
                ),
                {
                    "id": media_id,
                    "path": media_id,
                    "offset": len(log),
                    "end": len(log) + len(line) + 1,
                    "line": f"{line}\n",
                    "sequence": number,
                    "hash": previous,
                },
            )
            log += f"{line}\n".encode()
            entries += f'{body},"hash":"{previous}"}}\n'.encode()
    engine.dispose()
    place.log.write_bytes(log)
    chain(place).write_bytes(entries)
    return log, entries


class TestRotation:
    @pytest.mark.slow
    def test_the_chain_goes_on_through_all_pieces(self, place: Place) -> None:
        place.rotate_bytes = 2000
        archive = fill(place, 300)
        pieces = sorted(place.root.glob("worker_activity.log.0*"))
        assert len(pieces) > 5
        assert all(2000 <= piece.stat().st_size < 2100 for piece in pieces)
        assert len(archive.log.last(30)) == 30
        place.open()
        assert check(place) == Verified(entries=300, checkpoints=1)

    def test_a_crash_between_the_two_renames_is_completed(self, place: Place) -> None:
        fill(place, 20)
        whole = place.log.read_bytes()
        chain(place).rename(chain(place).with_name(f"{chain(place).name}.000000001-000000020"))
        archive = place.open()
        assert place.log.with_name("worker_activity.log.000000001-000000020").read_bytes() == whole
        archive.store(delivery(archive))
        assert check(place).entries == 21
        assert len(place.lines()) == 1

    def test_an_old_piece_that_is_moved_away_costs_no_new_line(self, place: Place) -> None:
        place.rotate_bytes = 1000
        archive = fill(place, 33)
        newest = sorted(place.root.glob("worker_activity.log.0*"))[-1]
        newest.unlink()
        before = place.lines()
        assert before
        place.open()
        assert place.lines() == before
        assert not newest.exists()
        with pytest.raises(Altered, match="is missing"):
            check(place)
        archive.catalogue.close()

    def test_an_old_piece_that_is_removed_or_altered_is_seen(self, place: Place) -> None:
        place.rotate_bytes = 1000
        fill(place, 60)
        first, second, *_ = sorted(place.root.glob("worker_activity.log.chain.0*"))
        content = second.read_bytes()
        second.write_bytes(content.replace(b"worker-1", b"worker-2", 1))
        with pytest.raises(Altered, match="hash"):
            check(place)
        second.unlink()
        with pytest.raises(Altered, match="continues with"):
            check(place)
        first.unlink()
        with pytest.raises(Altered, match="entry 1: "):
            check(place)


# ── altered ──────────────────────────────────────────────────────────────────────────


def _edit(lines: list[bytes], rng: random.Random) -> list[bytes]:
    number = rng.randrange(len(lines))
    line = bytearray(lines[number])
    line[rng.randrange(len(line))] ^= 1 << rng.randrange(8)
    return [*lines[:number], bytes(line), *lines[number + 1 :]]


def _delete(lines: list[bytes], rng: random.Random) -> list[bytes]:
    number = rng.randrange(len(lines))
    return lines[:number] + lines[number + 1 :]


def _swap(lines: list[bytes], rng: random.Random) -> list[bytes]:
    one, other = rng.sample(range(len(lines)), 2)
    swapped = list(lines)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    return swapped


def _insert(lines: list[bytes], rng: random.Random) -> list[bytes]:
    number = rng.randrange(len(lines) + 1)
    return [*lines[:number], rng.choice(lines), *lines[number:]]


def _truncate(lines: list[bytes], rng: random.Random) -> list[bytes]:
    content = b"".join(lines)
    return [content[: rng.randrange(len(content))]]


_WAYS = (_edit, _delete, _swap, _insert, _truncate)


@pytest.mark.parametrize(
    "forged",
    [
        b"not json\n",
        b"[1]\n",
        b'{"sequence":1}\n',
        ENTRY.encode().replace(b'"sequence":1', b'"sequence":true'),
        ENTRY.encode().replace(b"a line", b"\\ud800"),
        ENTRY.encode().replace(b":71", b":-1"),
        ENTRY.encode().replace(b"{", b"{ ", 1),
        ENTRY.encode().replace(b',"previous"', b',"owner":"main","previous"'),
        ENTRY.encode().replace(b',"previous"', b',"owner":"anna","previous"'),
        b"\xff\xfe\n",
    ],
)
def test_a_forged_entry_is_told_and_breaks_nothing(place: Place, forged: bytes) -> None:
    fill(place, 1)
    chain(place).write_bytes(forged)
    with pytest.raises(Altered, match="entry 1: "):
        check(place)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("sealed"))
    fill(place, 260)
    yield place
    place.close()


@pytest.mark.parametrize("way", _WAYS, ids=lambda way: way.__name__.strip("_"))
@pytest.mark.parametrize("which", ["log", "chain"])
def test_a_thousand_alterations_are_all_seen(
    sealed: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    way: Callable[[list[bytes], random.Random], list[bytes]],
) -> None:
    monkeypatch.setattr("media_processor.central_server.audit._SOON", 0)
    copy = Place(tmp_path / "copy")
    shutil.copytree(sealed.root, copy.root, ignore=shutil.ignore_patterns("central_storage"))
    assert check(copy) == Verified(entries=260, checkpoints=1)
    target = copy.log if which == "log" else chain(copy)
    whole = target.read_bytes()
    rng = random.Random(f"{which} {way.__name__}")
    for _ in range(100):
        altered = b"".join(way(whole.splitlines(keepends=True), rng))
        if altered == whole:  # two equal lines changed places
            continue
        target.write_bytes(altered)
        with pytest.raises(Altered):
            check(copy)


def test_the_first_bad_entry_is_named(sealed: Place, tmp_path: Path) -> None:
    copy = Place(tmp_path / "copy")
    shutil.copytree(sealed.root, copy.root, ignore=shutil.ignore_patterns("central_storage"))
    lines = copy.log.read_text().splitlines(keepends=True)
    lines[16] = lines[16].replace("worker-1", "worker-7")
    copy.log.write_text("".join(lines))
    with pytest.raises(Altered) as altered:
        check(copy)
    assert altered.value.sequence == 17


def test_cutting_both_files_back_is_seen_by_the_witness(sealed: Place, tmp_path: Path) -> None:
    copy = Place(tmp_path / "copy")
    shutil.copytree(sealed.root, copy.root, ignore=shutil.ignore_patterns("central_storage"))
    witness = sealed.open().checkpoints(0, 100)
    assert [one.sequence for one in witness] == [256, 260]
    assert check(copy, witness).witnessed == 2
    lines = copy.log.read_bytes().splitlines(keepends=True)
    entries = chain(copy).read_bytes().splitlines(keepends=True)
    copy.log.write_bytes(b"".join(lines[:200]))
    chain(copy).write_bytes(b"".join(entries[:200]))
    assert check(copy).entries == 200  # in itself it is whole
    with pytest.raises(
        Altered, match="entry 201: the log was truncated; a witness has seen entry 260"
    ):
        check(copy, witness)


def test_a_chain_made_anew_with_another_key_is_seen(sealed: Place, tmp_path: Path) -> None:
    forged = Place(tmp_path)
    for file in sealed.root.glob("c.sqlite*"):  # its write-ahead log too
        shutil.copy(file, forged.root)
    forged.open()  # writes log, chain and a key of its own
    assert check(forged).entries == 260
    theirs = read_public_key(public_key_file(sealed.root / "audit_key.pem"))
    with pytest.raises(Altered, match="entry 256: its checkpoint isn't signed"):
        verify(forged.log, theirs, [])
    forged.close()


@pytest.mark.slow
def test_it_can_be_checked_while_it_is_written(place: Place) -> None:
    place.rotate_bytes = 2_000
    archive = fill(place, 5)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            archive.store(delivery(archive))

    writing = threading.Thread(target=write)
    writing.start()
    try:
        counts = [check(place).entries]
        while counts[-1] < 250 or len(counts) < 10:
            counts.append(check(place).entries)
    finally:
        stop.set()
        writing.join()
    assert counts == sorted(counts)
    assert len(list(place.root.glob("worker_activity.*"))) > 4, "it was rotated meanwhile"


def test_rotations_without_end_hide_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, 3)
    listed = count(1)
    monkeypatch.setattr(LogFiles, "rotated", lambda _: [(1, next(listed))])
    with pytest.raises(Altered, match="is missing"):
        check(place)


run = partial(shell.run, "audit", "verify")


def test_the_command(place: Place, tmp_path: Path) -> None:
    fill(place, 3)
    done = run("--data", str(place.root))
    assert (done.returncode, done.stdout) == (
        0,
        "intact: 3 entries, 0 checkpoints, 0 witnessed\n",
    )
    with place.log.open("a") as log:
        log.write("one more\n")
    done = run("--data", str(place.root))
    assert done.returncode == 1
    assert done.stderr == (
        "media-processor: The activity log was altered. First problem: entry 4: "
        "the log has bytes that no chain entry covers.\n"
    )
    for arguments in (
        ("--data", str(tmp_path / "none")),
        ("--data", str(place.root), "--witness", str(tmp_path / "none")),
        ("--data", str(place.root), "--public-key", str(place.log)),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
