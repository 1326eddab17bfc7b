import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_processor.filenames import MAX_FILENAME_BYTES, safe_filename, safe_worker_name
from media_processor.ids import day_folder, is_media_id, media_time, new_media_id
from media_processor.messages.archive import ArchiveQuery
from media_processor.messages.media import Result


def test_a_media_id_is_a_uuid_of_version_7_that_tells_its_time() -> None:
    before = time.time_ns() // 1_000_000
    media_id = new_media_id()
    after = time.time_ns() // 1_000_000

    value = UUID(media_id)
    assert value.version == 7
    assert value.variant == "specified in RFC 4122"
    assert before <= round(media_time(media_id).timestamp() * 1000) <= after
    assert day_folder(media_id) == f"{datetime.now(UTC):%Y/%m/%d}"


def test_ids_differ() -> None:
    assert len({new_media_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../../etc/passwd",
        "01a20a66-a48f-4ad5-bb5f-7d611df2d0fa",  # version 4
        "01A20A66-A48F-7AD5-BB5F-7D611DF2D0FA",  # not canonical
        "{01a20a66-a48f-7ad5-bb5f-7d611df2d0fa}",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",  # a time no calendar has
    ],
)
def test_what_is_no_media_id(text: str) -> None:
    assert not is_media_id(text)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\photo.jpg", "photo.jpg"),
        ("a\x00b\nc\r.jpg", "abc.jpg"),
        ("\u202egpj.exe", "gpj.exe"),
        ("..", "picture"),
        ("", "picture"),
        ("   ", "picture"),
        (".hidden.jpg", "hidden.jpg"),
        ("Müller 🐈 und 👩‍👩‍👧.png", "Müller 🐈 und 👩‍👩‍👧.png"),
        ("x" * 5000 + ".jpg", "x" * (MAX_FILENAME_BYTES - 4) + ".jpg"),
        ("\ud800.jpg", "?.jpg"),
    ],
)
def test_a_filename_from_outside_is_made_safe(sent: str, kept: str) -> None:
    assert safe_filename(sent) == kept


@given(st.text())
def test_a_safe_filename_is_one_component_of_one_line(sent: str) -> None:
    name = safe_filename(sent)
    assert name
    assert name not in (".", "..")
    assert not set(name) & set("/\\\0\n\r\u2028\u202e")
    assert len(f"watermarked_{name}".encode()) <= 255
    assert safe_filename(name) == name


def test_a_worker_without_a_name_is_unknown() -> None:
    assert safe_worker_name("\u202e\n") == "unknown"
    assert safe_filename("\u200d") == "picture"


@given(st.text())
def test_a_worker_name_can_not_pose_as_a_second_field(sent: str) -> None:
    assert "|" not in safe_worker_name(sent)
    assert "\n" not in safe_worker_name(sent)


@pytest.mark.parametrize(
    ("method", "declined", "way"),
    [("splice", None, "splice"), ("decode", "CMYK", "decode (CMYK)"), (None, None, None)],
)
def test_how_a_picture_was_made_is_told_in_one_word_or_with_the_reason(
    method: str | None, declined: str | None, way: str | None
) -> None:
    kept = {"sha256": "0" * 64, "size": 1, "method": method, "declined": declined}
    where = {"stored_path": "a", "stored_at": "2026-01-15T14:30:45Z", "link": "b"}
    assert Result.model_validate(kept | where).way == way


_MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-01-31T00:00", _MIDNIGHT),
        ("2026-01-31T00:00:00Z", _MIDNIGHT),
        ("2026-01-31T00:00:00+09:00", _MIDNIGHT - timedelta(hours=9)),
    ],
)
def test_midnight_is_a_moment_not_a_day(told: str, at: datetime) -> None:
    asked = ArchiveQuery.model_validate({"since": told, "until": told})
    handed_on = ArchiveQuery.model_validate(asked.model_dump(mode="json", exclude_none=True))

    for query in (asked, handed_on):
        assert (query.earliest, query.before) == (at, at + timedelta(microseconds=1))


def test_a_day_lasts_to_its_end() -> None:
    query = ArchiveQuery.model_validate({"since": "2026-01-31", "until": "2026-01-31"})

    assert (query.earliest, query.before) == (_MIDNIGHT, _MIDNIGHT + timedelta(days=1))
