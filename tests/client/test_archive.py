"""What is archived, searched and fetched."""

from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from media_processor.client import requests
from media_processor.errors import CentralUnavailable, MediaNotFound
from media_processor.ids import new_media_id
from media_processor.messages.archive import StoredPage
from tests.client.conftest import JPEG, Open
from tests.client.stub import answer, cut_short, hand_on, refuse, stub
from tests.images.pictures import opened
from tests.system import System


def test_it_is_walked_page_by_page(
    running: System, open_client: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(requests, "_PAGE", 2)
    with stub(hand_on(running.fast_url)) as server:
        client = open_client(server.url)
        prefix = new_media_id()
        names = [f"{prefix}_{number}.jpg" for number in range(5)]
        sent = [client.upload(JPEG, filename=name) for name in names]
        for media in sent:
            media.wait(timeout=30)
        asked = len(server.heard)
        stored = list(client.archive(name=prefix))
        assert [one.media_id for one in stored] == [media.id for media in reversed(sent)]
        assert len(server.heard) - asked == 3

        newest = list(islice(client.archive(), 5))
        assert newest == stored
        found = [one.filename for one in client.archive(name=f"{prefix}_3.", sort="oldest")]
        assert found == [f"watermarked_{names[3]}"]
        assert list(client.archive(until="2020-12-31")) == []
        first = stored[0]
        watermarked = client.download_stored(first.media_id)
        assert watermarked == sent[-1].download()
        assert client.download_stored(first.media_id, tmp_path) == tmp_path / first.filename
        assert opened(tmp_path / f"watermarked_{names[4]}").size == (300, 200)
        with pytest.raises(MediaNotFound):
            client.download_stored(new_media_id())


EMPTY = answer(200, StoredPage(items=(), next=None).model_dump_json())


def test_what_is_searched_for_is_asked(open_client: Open) -> None:
    with stub(EMPTY) as server:
        client = open_client(server.url)
        assert list(client.archive()) == []
        nine = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
        found = client.archive(
            name="a & b", worker="worker-1", since=date(2026, 1, 1), until=nine, sort="largest"
        )
        assert list(found) == []
        assert list(client.archive(since="2026-01-31")) == []
        asked = [parse_qs(urlsplit(exchange.path).query) for exchange in server.heard]
    assert asked == [
        {"sort": ["newest"], "limit": ["100"]},
        {
            "name": ["a & b"],
            "worker": ["worker-1"],
            "since": ["2026-01-01"],
            "until": ["2026-01-31T09:30:00+00:00"],
            "sort": ["largest"],
            "limit": ["100"],
        },
        {"since": ["2026-01-31"], "sort": ["newest"], "limit": ["100"]},
    ]


def test_the_cursor_is_that_of_the_page_before(open_client: Open) -> None:
    first = answer(200, StoredPage(items=(), next="o=n&l=1").model_dump_json())
    with stub(cut_short(b"{", 9), first, EMPTY) as server:
        assert list(open_client(server.url).archive()) == []
        queries = [parse_qs(urlsplit(exchange.path).query) for exchange in server.heard]
    assert [query.get("cursor") for query in queries] == [None, None, ["o=n&l=1"]]


def test_an_archive_that_is_away_is_told(open_client: Open) -> None:
    with stub(refuse("central_unavailable", 503)) as server:
        client = open_client(server.url)
        with pytest.raises(CentralUnavailable):
            list(client.archive())
