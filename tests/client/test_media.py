"""A media: waited for, followed, downloaded, tried again."""

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import cast

import pytest

from media_processor.client import Client, Media, requests
from media_processor.errors import (
    BrokenPicture,
    CentralUnavailable,
    NotReadyYet,
    ServerRefused,
    ServerUnreachable,
)
from media_processor.messages.media import Failure, MediaStatus
from tests.client.conftest import JPEG, Open
from tests.client.pictures import TORN
from tests.client.stub import Exchange, answer, cut_short, refuse, stream, stub, tells, told
from tests.images.pictures import opened
from tests.system import System


@pytest.fixture
def client(running: System, open_client: Open) -> Client:
    return open_client(running.fast_url)


@pytest.fixture
def media(client: Client) -> Media:
    media = client.upload(JPEG, filename="photo.jpg")
    media.wait(timeout=30)
    return media


class TestWait:
    def test_until_stored(self, client: Client) -> None:
        media = client.upload(JPEG, filename="photo.jpg")
        assert repr(media).endswith(f"Media {media.id} 'photo.jpg' queued>")
        done = media.wait(timeout=30)
        assert (done.status, media.status, media.details) == ("stored", "stored", done)
        assert done.result
        assert repr(media).endswith("'photo.jpg' stored>")
        assert media.wait(timeout=30) == done

    def test_a_failed_picture_raises_its_reason(self, client: Client) -> None:
        media = client.upload(TORN, filename="torn.png")
        with pytest.raises(BrokenPicture) as failed:
            media.wait(timeout=30)
        details = cast(MediaStatus, media.details)
        assert details.error
        assert failed.value.detail == details.error.detail
        assert media.status == "failed"

        assert media.retry().status in ("queued", "watermarking")
        with pytest.raises(BrokenPicture):
            media.wait(timeout=30)
        assert [step.step for step in media.refresh().steps].count("reopened") == 1

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (Failure(code="central_unavailable", detail="Away."), CentralUnavailable),
            (Failure(code="something_new", detail="New."), ServerRefused),
            (None, ServerRefused),
        ],
    )
    def test_any_reason(
        self, open_client: Open, error: Failure | None, kind: type[Exception]
    ) -> None:
        failed = told("failed").model_copy(update={"error": error})
        events = stream(f"event: status\ndata: {failed.model_dump_json()}\n\n")
        with stub(tells(failed), events) as server:
            media = open_client(server.url).media(failed.id)
            with pytest.raises(kind):
                media.wait()

    def test_not_for_longer_than_said(self, system: System, open_client: Open) -> None:
        """Nobody works here."""
        system.start("fast-server")
        system.wait_fast()
        media = open_client(system.fast_url).upload(JPEG, filename="photo.jpg")
        for timeout in (0, 0.6):
            began = time.monotonic()
            with pytest.raises(TimeoutError, match=r"photo\.jpg is still queued"):
                media.wait(timeout=timeout)
            assert timeout <= time.monotonic() - began < timeout + 3
        assert media.refresh().status == "queued"


def test_follow_tells_every_change_once(client: Client) -> None:
    media = client.upload(JPEG)
    seen = list(media.follow())
    assert seen[-1].status == media.status == "stored"
    assert all(one != two for one, two in pairwise(seen))
    assert list(media.follow()) == [seen[-1]]


def test_who_leaves_early_leaves_no_connection(client: Client) -> None:
    media = client.upload(JPEG)
    with closing(media.follow()) as changes:
        assert next(changes).id == media.id


def test_the_list_is_newest_first_and_pages_itself(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_PAGE", 2)
    sent = [client.upload(JPEG, filename=f"{number}.jpg") for number in range(5)]
    for one in sent:
        one.wait(timeout=30)
    listed = list(islice(client.list(status="stored"), 5))
    assert [media.id for media in listed] == [media.id for media in reversed(sent)]
    assert {media.status for media in listed} == {"stored"}
    monkeypatch.undo()
    everything = [media.id for media in client.list()]
    assert everything[:5] == [media.id for media in listed]
    assert len(set(everything)) == len(everything)
    assert listed[0].download(original=True) == JPEG


def test_what_the_server_tells_of_itself(client: Client) -> None:
    assert client.profiles()[0].name == "default"
    assert client.queue().accepting
    assert client.ready().ready


class TestDownload:
    def test_bytes(self, media: Media) -> None:
        watermarked = media.download()
        assert isinstance(watermarked, bytes)
        assert watermarked != JPEG
        assert media.download(original=True) == JPEG

    def test_into_a_folder_under_the_servers_name(self, media: Media, tmp_path: Path) -> None:
        assert media.download(tmp_path) == tmp_path / "watermarked_photo.jpg"
        assert media.download(str(tmp_path), original=True) == tmp_path / "photo.jpg"
        assert opened(tmp_path / "watermarked_photo.jpg").size == (300, 200)
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "photo.jpg",
            "watermarked_photo.jpg",
        ]

    def test_into_a_file_which_is_replaced(self, media: Media, tmp_path: Path) -> None:
        target = tmp_path / ("n" * 250 + ".jpg")
        target.write_bytes(b"old")
        assert media.download(target, original=True) == target
        assert target.read_bytes() == JPEG
        assert list(tmp_path.iterdir()) == [target]

    def test_not_into_nowhere(self, media: Media, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            media.download(tmp_path / "missing" / "a.jpg")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_is_made(self, media: Media, tmp_path: Path) -> None:
        """Four pictures into "out" must not become one file of that name."""
        for to in (tmp_path / "out", f"{tmp_path}/with.a.stop/", str(tmp_path / "a" / "b")):
            assert media.download(to, original=True) == Path(to) / media.filename


HALF = cut_short(b"half", 8)


class TestACutOffDownload:
    """Half of a file comes, then the connection ends."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        folder = tmp_path / "downloads"
        folder.mkdir()
        (folder / "a.jpg").write_bytes(b"old")
        yield folder
        assert [path.name for path in folder.iterdir()] == ["a.jpg"]

    def test_is_fetched_again(self, open_client: Open, folder: Path) -> None:
        media = told("stored")
        with stub(tells(media), HALF, HALF, answer(200, b"the whole")) as server:
            known = open_client(server.url).media(media.id)
            assert known.download(folder / "a.jpg") == folder / "a.jpg"
        assert (folder / "a.jpg").read_bytes() == b"the whole"

    def test_leaves_nothing_and_what_was_there(self, open_client: Open, folder: Path) -> None:
        media = told("stored")
        with stub(tells(media), HALF) as server:
            known = open_client(server.url, patience=0.2).media(media.id)
            with pytest.raises(ServerUnreachable):
                known.download(folder / "a.jpg")
            with pytest.raises(ServerUnreachable):
                known.download()
        assert (folder / "a.jpg").read_bytes() == b"old"

    def test_is_never_seen_half(self, open_client: Open, folder: Path) -> None:
        media, seen = told("stored"), list[bytes]()

        def slowly(exchange: Exchange) -> None:
            big = bytes(2_000_000)
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + big)
            seen.append((folder / "a.jpg").read_bytes())
            exchange.send(big)

        with stub(tells(media), slowly) as server:
            open_client(server.url).media(media.id).download(folder / "a.jpg")
        assert seen == [b"old"]
        assert (folder / "a.jpg").stat().st_size == 4_000_000

    def test_a_refusal_writes_nothing(self, open_client: Open, folder: Path) -> None:
        media = told("queued")
        with stub(tells(media), refuse("not_ready_yet", 409)) as server:
            known = open_client(server.url).media(media.id)
            with pytest.raises(NotReadyYet):
                known.download(folder / "a.jpg")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("inline; filename*=UTF-8''..%2F..%2Fevil.jpg", "evil.jpg"),
        ("inline; filename*=UTF-8''%2Fetc%2Fpasswd", "passwd"),
        ("inline; filename*=UTF-8''..", "picture"),
        ('attachment; filename="..\\\\..\\\\evil.jpg"', "evil.jpg"),
        ("attachment; filename=plain.jpg", "plain.jpg"),
        ("attachment", "picture"),
        ("inline; filename*=UTF-8''%E4%B8%AD.jpg", "中.jpg"),
    ],
)
def test_no_name_leads_out_of_the_folder(
    open_client: Open, tmp_path: Path, disposition: str, name: str
) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    media = told("stored")
    with stub(tells(media), answer(200, b"x", Content_Disposition=disposition)) as server:
        assert open_client(server.url).media(media.id).download(folder) == folder / name
    assert [path.name for path in folder.iterdir()] == [name]
