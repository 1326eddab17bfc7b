"""The archive's search means the same in both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from media_processor.central_server.activity_log import LogLine
from media_processor.central_server.catalogue import Catalogue, Entry, open_catalogue
from media_processor.errors import InvalidField
from media_processor.messages.archive import ArchiveQuery, ArchiveSort, StoredMedia

_BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NAMES = ("b.jpg", "A.jpg", "a.jpg", "ä.jpg", "100%.jpg", "under_score.jpg", "back\\slash.jpg")
_EVERY_NAME = (*_NAMES, *_NAMES)  # so that each order has ties


@pytest.fixture
def catalogue(database: Path | str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(database)
    for number, name in enumerate(_EVERY_NAME):
        catalogue.add(_entry(number, name))
    yield catalogue
    catalogue.close()


def _entry(number: int, name: str) -> Entry:
    media_id = f"019ab3c4-{number:04}-7000-8000-000000000000"
    media = StoredMedia(
        media_id=media_id,
        filename=name,
        worker_name=f"Worker-{number % 2}",
        content_type="image/jpeg",
        stored_path=f"central_storage/{media_id}",
        sha256="5a" * 32,
        size=number // 3,
        stored_at=_BEGIN + timedelta(days=number),
    )
    return Entry(media, LogLine(number * 10, "a line...\n"), number + 1, f"{number:064}")


def _names(catalogue: Catalogue, **query: object) -> list[str]:
    found = catalogue.search(ArchiveQuery.model_validate(query))
    return [media.filename for media in found]


@pytest.mark.parametrize("sort", get_args(ArchiveSort))
def test_pages_put_together_are_the_whole(catalogue: Catalogue, sort: ArchiveSort) -> None:
    whole = [media.media_id for media in catalogue.search(ArchiveQuery(sort=sort))]
    assert len(set(whole)) == len(_EVERY_NAME)
    for limit in (1, 3, 5):
        ids: list[str] = []
        while page := catalogue.search(
            ArchiveQuery(sort=sort, limit=limit, cursor=ids[-1] if ids else None)
        )[:limit]:
            ids += [media.media_id for media in page]
        assert ids == whole


def test_each_order_is_what_it_says(catalogue: Catalogue) -> None:
    found = {
        sort: catalogue.search(ArchiveQuery(sort=sort)) for sort in ("newest", "oldest", "largest")
    }
    assert [media.stored_at.day for media in found["oldest"]] == list(range(1, 15))
    assert found["newest"] == found["oldest"][::-1]
    sizes = [media.size for media in found["largest"]]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("A.JPG", {"A.jpg", "a.jpg"}),
        ("%", {"100%.jpg"}),
        ("_", {"under_score.jpg"}),
        ("\\", {"back\\slash.jpg"}),
        ("ä", {"ä.jpg"}),
        ("'", set()),
    ],
)
def test_a_part_of_a_name_is_taken_literally_and_in_any_case(
    catalogue: Catalogue, part: str, names: set[str]
) -> None:
    assert set(_names(catalogue, name=part)) == names


def test_worker_and_days_are_looked_for_together(catalogue: Catalogue) -> None:
    assert len(_names(catalogue, worker="worker-1")) == 7
    days = {"since": date(2026, 3, 2), "until": date(2026, 3, 4)}
    assert len(_names(catalogue, **days)) == 3
    assert _names(catalogue, worker="worker-0", sort="oldest", **days) == ["a.jpg"]
    moment = _BEGIN + timedelta(days=3)
    assert len(_names(catalogue, since=moment, until=moment)) == 1


def test_a_cursor_that_is_no_media_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(InvalidField, match="cursor"):
        catalogue.search(ArchiveQuery(cursor="no such"))


@pytest.mark.parametrize("field", ["name", "worker", "cursor"])
def test_a_nul_is_refused_before_a_database_sees_it(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        ArchiveQuery.model_validate({field: "a\0b"})
