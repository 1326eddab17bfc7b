"""What every spool does, wherever its records are."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from media_processor.errors import IdempotencyConflict, MediaNotFound, NotFailed, StorageFailing
from media_processor.ids import now
from media_processor.messages.media import Attempts, Failure
from media_processor.work.media import Media
from media_processor.work.spool import Spool
from tests.storage.conformance import left_over
from tests.work.records import accept, fail, new_media, park, receipt, spool_in, store, watermark

# Another way to keep records is one more line here, and must pass every test of this file.
_KINDS = {"files": spool_in}


@pytest.fixture(params=_KINDS)
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Spool:
    return _KINDS[request.param](tmp_path)


def original(spool: Spool, media: Media) -> bytes:
    with spool.open_original(media.record) as file:
        return file.read()


def test_an_accepted_media_is_found_queued_with_its_bytes(spool: Spool) -> None:
    media = accept(spool)

    found = spool.find(media.record.id)
    assert found == media
    assert found.status == "queued"
    assert original(spool, found) == b"picture"
    assert spool.open_ids() == [media.record.id]
    assert left_over(spool.storage) == []


def test_an_upload_that_was_removed_meanwhile_is_not_accepted(spool: Spool) -> None:
    """By a host whose clock is an hour ahead: the client sends it again."""
    new = new_media(spool)
    new.original.discard()
    with pytest.raises(StorageFailing, match="removed"):
        spool.accept(new, "k")
    assert spool.open_ids() == []
    assert accept(spool, key="k").status == "queued"


@pytest.mark.parametrize("media_id", ["x", "../open/x", "01a20a66-a48f-7ad5-bb5f-000000000000"])
def test_an_unknown_media_is_not_found(spool: Spool, media_id: str) -> None:
    with pytest.raises(MediaNotFound):
        spool.find(media_id)


def test_a_media_goes_from_open_to_stored(spool: Spool) -> None:
    media = watermark(spool, accept(spool))
    assert media.status == "uploading"
    assert spool.is_watermarked(media)
    with spool.open_watermark(media.record.id) as file:
        assert file.read() == b"watermarked"

    store(spool, media)

    media = spool.find(media.record.id)
    assert (media.place, media.status) == ("stored", "stored")
    assert [step.step for step in media.progress.steps] == ["watermarked", "stored"]
    assert media.progress.attempts == Attempts({"watermark": 1, "upload": 1})
    assert spool.open_ids() == []
    assert original(spool, media) == b"picture"


def test_originals_go_only_when_asked(spool: Spool) -> None:
    media = watermark(spool, accept(spool))
    store(spool, media, keep_original=False)
    with pytest.raises(FileNotFoundError):
        original(spool, media)


def test_a_failed_media_keeps_its_original_and_its_reason(spool: Spool) -> None:
    media = accept(spool)
    fail(spool, media)

    media = spool.find(media.record.id)
    assert media.status == "failed"
    assert media.progress.error == Failure(code="broken_picture", detail="It is broken.")
    assert original(spool, media) == b"picture"
    assert (spool.open_ids(), spool.failed_count()) == ([], 1)


def test_a_late_twin_of_stage_1_changes_nothing(spool: Spool) -> None:
    media = watermark(spool, accept(spool))
    store(spool, media)
    stored = spool.find(media.record.id)

    assert watermark(spool, media, b"late") == stored
    assert stored.progress.receipt is not None


def test_a_crash_between_note_and_closing_leaves_it_open(spool: Spool) -> None:
    media = accept(spool)
    spool.note(media.record.id, "stored", status="stored", receipt=receipt(media))

    media = spool.find(media.record.id)
    assert (media.place, media.status) == ("open", "watermarking")  # never back to the start
    assert media.progress.receipt is not None


def test_an_unfinished_media_is_not_forgotten(spool: Spool) -> None:
    media = accept(spool)
    assert not spool.forget_reopened(media.record.id)
    assert spool.open_ids() == [media.record.id]


class TestIdempotency:
    def test_the_same_key_and_bytes_give_the_same_media(self, spool: Spool) -> None:
        first = accept(spool, key="k")
        second = accept(spool, key="k")

        assert second.record.id == first.record.id
        assert len(spool.open_ids()) == 1

    def test_it_holds_after_the_media_is_stored(self, spool: Spool) -> None:
        first = accept(spool, key="k")
        store(spool, first)

        again = accept(spool, key="k")
        assert (again.record.id, again.status) == (first.record.id, "stored")
        assert spool.open_ids() == []

    def test_other_bytes_are_refused_and_not_kept(self, spool: Spool) -> None:
        accept(spool, key="k")
        with pytest.raises(IdempotencyConflict):
            accept(spool, b"other", key="k")
        assert len(spool.open_ids()) == 1

    def test_each_owner_has_keys_of_its_own(self, spool: Spool) -> None:
        given = [
            replace(new_media(spool), owner=owner) for owner in ("main", "anna", "ben", "anna")
        ]
        main, anna, ben, again = [spool.accept(new, "k").record for new in given]
        assert [main.owner, anna.owner, ben.owner] == ["main", "anna", "ben"]
        assert len({main.id, anna.id, ben.id}) == 3
        assert again == anna

    def test_twenty_at_once_make_one_record(self, spool: Spool) -> None:
        given = [replace(new_media(spool), filename=f"{number}.jpg") for number in range(20)]
        with ThreadPoolExecutor(20) as pool:
            accepted = list(pool.map(lambda new: spool.accept(new, "k").record, given))
        assert len(set(accepted)) == 1
        assert spool.find(accepted[0].id).record == accepted[0]
        assert spool.open_ids() == [accepted[0].id]


class TestListing:
    def test_newest_first_by_pages(self, spool: Spool) -> None:
        made = [accept(spool) for _ in range(7)]
        store(spool, made[1])
        store(spool, made[5])
        fail(spool, made[3])
        newest = [media.record.id for media in reversed(made)]

        listed: list[str] = []
        cursor = None
        while page := spool.newest(None, cursor, 3):
            listed += [media.record.id for media in page]
            cursor = listed[-1]
        assert listed == newest

    def test_by_status(self, spool: Spool) -> None:
        made = [accept(spool) for _ in range(4)]
        store(spool, made[0])
        fail(spool, made[1])
        spool.note(made[2].record.id, "watermarking", status="watermarking")

        def ids(status: str) -> list[str]:
            return [media.record.id for media in spool.newest(status, None, 10)]  # type: ignore[arg-type]

        assert ids("stored") == [made[0].record.id]
        assert ids("failed") == [made[1].record.id]
        assert ids("watermarking") == [made[2].record.id]
        assert ids("queued") == [made[3].record.id]

    def test_steps_stay_bounded(self, spool: Spool) -> None:
        media = accept(spool)
        for _ in range(120):
            progress = spool.note(media.record.id, "retrying")
        assert len(progress.steps) == 100

    def test_every_change_has_a_greater_revision(self, spool: Spool) -> None:
        media = accept(spool)
        revisions = [spool.note(media.record.id, "retrying").revision for _ in range(150)]
        assert revisions == list(range(1, 151))


class TestDeadLetters:
    def test_a_failed_one_can_be_tried_again_with_all_its_attempts(self, spool: Spool) -> None:
        media = accept(spool)
        fail(spool, media)
        reopened = spool.reopen(media.record.id)

        assert reopened == spool.find(media.record.id)
        assert reopened.status == "queued"
        assert reopened.progress.attempts == Attempts()
        assert [step.step for step in reopened.progress.steps] == ["failed", "reopened"]
        assert spool.open_ids() == [media.record.id]
        assert spool.failed_count() == 0
        assert original(spool, media) == b"picture"

    def test_a_parked_one_is_failed_and_keeps_stage_1s_output(self, spool: Spool) -> None:
        media = watermark(spool, accept(spool))
        park(spool, media, now())

        parked = spool.find(media.record.id)
        assert parked.status == "failed"
        assert spool.parked_ids() == [media.record.id]
        assert [one.record.id for one in spool.newest("failed", None, 9)] == [media.record.id]
        assert spool.is_watermarked(spool.reopen(media.record.id))
        assert spool.parked_ids() == []

    def test_a_late_failure_of_what_is_stored_counts_for_nothing(self, spool: Spool) -> None:
        media = accept(spool)
        store(spool, media)
        fail(spool, media)
        assert spool.find(media.record.id).status == "stored"
        assert spool.find(media.record.id).progress.error is None

    def test_only_a_failed_one_can_be_retried(self, spool: Spool) -> None:
        media = accept(spool)
        with pytest.raises(NotFailed, match="queued"):
            spool.reopen(media.record.id)
        store(spool, media)
        with pytest.raises(NotFailed, match="stored"):
            spool.reopen(media.record.id)
