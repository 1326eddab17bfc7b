"""Every refusal is an error with a type of its own."""

import io

import pytest
from PIL import Image

from media_processor import errors
from media_processor.client import Client
from media_processor.errors import (
    BrokenPicture,
    CentralUnavailable,
    IdempotencyConflict,
    MediaNotFound,
    MediaProcessorError,
    NotFailed,
    NotReadyYet,
    Overloaded,
    ServerRefused,
    ServerUnreachable,
    TooManyPixels,
    UnknownProfile,
    UnsupportedPicture,
    UploadTooLarge,
)
from media_processor.ids import new_media_id
from tests.client.conftest import JPEG, Open
from tests.client.stub import Action, answer, refuse, stub
from tests.images.pictures import encoded, photo
from tests.system import System


def _leaves(kind: type[MediaProcessorError]) -> list[type[MediaProcessorError]]:
    below = [leaf for child in kind.__subclasses__() for leaf in _leaves(child)]
    return below or [kind] * (kind.__module__ == errors.__name__)


@pytest.mark.parametrize("kind", _leaves(MediaProcessorError), ids=lambda kind: kind.code)
def test_each_code_of_the_tree_is_its_class(
    open_client: Open, kind: type[MediaProcessorError]
) -> None:
    with stub(refuse(kind.code, kind.status, "Said so.")) as server:
        client = open_client(server.url, patience=0)
        with pytest.raises(kind) as refused:
            client.upload(JPEG)
    assert type(refused.value) is kind
    assert refused.value.detail == "Said so."


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (refuse("out_of_tea", 418, "There is none."), "There is none."),
        (refuse("internal_error", 500, "See the log."), "See the log."),
        (answer(500, "<html>"), "500"),
        (answer(404), "404"),
        (answer(307, Location="/elsewhere"), "307"),
        (answer(200, "<html>"), "invalid response"),
        (answer(200, "{}"), "invalid response"),
    ],
)
def test_what_is_unknown_is_a_refusal_by_the_server(
    open_client: Open, action: Action, words: str
) -> None:
    with stub(action) as server:
        client = open_client(server.url, patience=0)
        for ask in (client.queue, lambda: client.upload(JPEG)):
            with pytest.raises(ServerRefused, match=words):
                ask()


@pytest.mark.parametrize("url", ["", "here", "ftp://127.0.0.1", "http://", "http://[::1", "//x"])
def test_what_is_no_address_is_told_at_once(open_client: Open, url: str) -> None:
    with pytest.raises(ServerUnreachable, match="isn't a server address"):
        open_client(url)


@pytest.mark.parametrize(
    "media_id", ["", "x", "..", "../queue", "019ab", "01A20A66-A48F-7AD5-BB5F-000000000000"]
)
def test_what_is_no_id_is_asked_nowhere(open_client: Open, media_id: str) -> None:
    with stub(answer(500)) as server:
        client = open_client(server.url)
        with pytest.raises(MediaNotFound):
            client.media(media_id)
        with pytest.raises(MediaNotFound):
            client.download_stored(media_id)
        assert server.heard == []


class TestByARealServer:
    @pytest.fixture
    def client(self, running: System, open_client: Open) -> Client:
        return open_client(running.fast_url)

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"Dear Sir or Madam", UnsupportedPicture),
            (b"\xff\xd8\xff\xe0broken", BrokenPicture),
            (encoded(Image.new("1", (12_000, 12_000)), "PNG"), TooManyPixels),
        ],
        ids=["no picture", "broken", "too many pixels"],
    )
    def test_a_picture(
        self, client: Client, content: bytes, kind: type[MediaProcessorError]
    ) -> None:
        with pytest.raises(kind) as refused:
            client.upload(content, filename="letter.txt")
        assert refused.value.detail

    def test_a_profile_a_key_and_an_id(self, client: Client) -> None:
        with pytest.raises(UnknownProfile):
            client.upload(JPEG, profile="gold")
        client.upload(JPEG, idempotency_key="order-17")
        with pytest.raises(IdempotencyConflict):
            client.upload(encoded(photo((30, 20)), "PNG"), idempotency_key="order-17")
        with pytest.raises(MediaNotFound):
            client.media(new_media_id())

    def test_a_retry_of_what_did_not_fail(self, client: Client) -> None:
        media = client.upload(JPEG)
        media.wait(timeout=30)
        with pytest.raises(NotFailed):
            media.retry()


def test_by_a_server_that_takes_little_and_works_not_at_all(
    system: System, open_client: Open
) -> None:
    system.environment |= {"MAX_UPLOAD_BYTES": "30000", "MAX_UNFINISHED": "1"}
    system.start("fast-server")
    system.wait_fast()
    client = open_client(system.fast_url, patience=0)
    with pytest.raises(UploadTooLarge, match="30,000"):
        client.upload(io.BytesIO(JPEG + bytes(30_000)), filename="large.jpg")
    with pytest.raises(UploadTooLarge, match="30,000"):
        client.upload(JPEG + bytes(200_000))  # the server listens up to eight times its limit

    media = client.upload(JPEG)
    with pytest.raises(NotReadyYet):
        media.download()
    with pytest.raises(Overloaded) as refused:
        client.upload(JPEG)
    assert refused.value.retry_after == client.queue().retry_after_seconds == 60
    assert not client.queue().accepting


def test_an_archive_that_is_away(system: System, open_client: Open) -> None:
    system.start_all()
    client = open_client(system.fast_url)
    media = client.upload(JPEG)
    media.wait(timeout=30)
    system.kill("central-server")
    with pytest.raises(CentralUnavailable):
        media.download()


def test_what_a_server_lacks_is_an_answer(system: System, open_client: Open) -> None:
    system.environment["MIN_FREE_BYTES"] = str(2**60)
    system.start("fast-server")
    system.wait_fast()
    ready = open_client(system.fast_url).ready()
    assert not ready.ready
    assert not ready.checks["disk"].ok
