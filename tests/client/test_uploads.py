"""What can be sent, and what is refused before anything is."""

import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from media_processor.client import Client
from media_processor.client.multipart import Form, Picture
from media_processor.errors import EmptyFile, InvalidField, MalformedUpload, UnknownProfile
from media_processor.messages.media import AcceptedMedia
from tests.client.conftest import JPEG, Open
from tests.client.stub import accepts, stub, told
from tests.system import System

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def client(running: System, open_client: Open) -> Client:
    return open_client(running.fast_url)


def _sent(client: Client, details: AcceptedMedia, filename: str) -> None:
    assert details.filename == filename
    assert (details.size, details.sha256) == (len(JPEG), hashlib.sha256(JPEG).hexdigest())
    assert client.media(details.id).download(original=True) == JPEG


class TestWhatIsTaken:
    def test_a_path(self, client: Client, jpeg: Path) -> None:
        _sent(client, client.upload(jpeg).details, "photo.jpg")
        _sent(client, client.upload(str(jpeg), filename="other.jpg").details, "other.jpg")

    def test_bytes(self, client: Client) -> None:
        _sent(client, client.upload(JPEG, filename="a.jpg").details, "a.jpg")
        _sent(client, client.upload(JPEG).details, "picture")

    def test_an_open_file_has_its_own_name_and_stays_open(self, client: Client, jpeg: Path) -> None:
        with jpeg.open("rb") as file:
            _sent(client, client.upload(file).details, "photo.jpg")
            assert not file.closed

    def test_a_file_is_sent_from_its_beginning_wherever_it_stands(self, client: Client) -> None:
        file = io.BytesIO()
        file.write(JPEG)
        _sent(client, client.upload(file, filename="made.jpg").details, "made.jpg")

    def test_a_pipe(self, client: Client) -> None:
        reading, writing = os.pipe()

        def feed() -> None:
            with open(writing, "wb") as sink:  # noqa: PTH123
                sink.write(JPEG)

        feeder = threading.Thread(target=feed)
        feeder.start()
        with open(reading, "rb") as pipe:  # noqa: PTH123
            _sent(client, client.upload(pipe, filename="piped.jpg").details, "piped.jpg")
        feeder.join()

    @pytest.mark.parametrize("name", ["ä 中 🎨.jpg", "a;b=c.jpg", "100%25 'it'.jpg"])
    def test_a_name_arrives_as_it_is(self, client: Client, name: str) -> None:
        assert client.upload(JPEG, filename=name).details.filename == name

    def test_no_name_breaks_the_form(self, client: Client) -> None:
        name = 'a"\r\nContent-Type: text/plain\r\n\r\nb.jpg'
        assert client.upload(JPEG, filename=name).details.size == len(JPEG)

    def test_a_profile(self, client: Client) -> None:
        assert client.upload(JPEG, profile="default").details.profile == "default"
        with pytest.raises(UnknownProfile):
            client.upload(JPEG, profile="\r\n--gold")


class TestWhatIsRefusedUnsent:
    """There is no server at all."""

    def test_what_is_no_file(self, open_client: Open, tmp_path: Path) -> None:
        client = open_client(NOWHERE)
        with pytest.raises(FileNotFoundError):
            client.upload(tmp_path / "nothing.jpg")
        with pytest.raises(IsADirectoryError):
            client.upload(tmp_path)

    def test_what_is_empty(self, open_client: Open, tmp_path: Path) -> None:
        client = open_client(NOWHERE)
        (tmp_path / "empty.jpg").touch()
        for empty in (tmp_path / "empty.jpg", b""):
            with pytest.raises(EmptyFile):
                client.upload(empty)
        with pytest.raises(EmptyFile):
            client.upload(io.BytesIO(), filename="empty.jpg")

    def test_text(self, open_client: Open, jpeg: Path) -> None:
        client = open_client(NOWHERE)
        with jpeg.open() as file, pytest.raises(TypeError, match="text mode"):
            client.upload(file)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="text mode"):
            client.upload(io.StringIO("x"), filename="a.jpg")  # type: ignore[arg-type]

    def test_what_is_neither_path_nor_bytes_nor_file(self, open_client: Open) -> None:
        with pytest.raises(TypeError, match="'int'"):
            open_client(NOWHERE).upload(7)  # type: ignore[arg-type]

    def test_a_file_without_a_name(self, open_client: Open) -> None:
        with pytest.raises(ValueError, match="filename="):
            open_client(NOWHERE).upload(io.BytesIO(JPEG))

    @pytest.mark.parametrize("key", ["two words", "ä", "x" * 256, "a\r\nb"])
    def test_a_key_that_can_not_be_used(self, open_client: Open, key: str) -> None:
        with pytest.raises(InvalidField):
            open_client(NOWHERE).upload(JPEG, idempotency_key=key)


class _Watched(io.BytesIO):
    """Knows what was asked of it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.asked: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked.append(-1 if size is None else size)
        return super().read(size)


def test_a_file_is_read_in_pieces_and_the_progress_told(open_client: Open) -> None:
    size = 3 * 1024 * 1024 + 5
    file, seen = _Watched(bytes(size)), list[int]()
    with stub(accepts(told())) as server:
        client = open_client(server.url)
        client.upload(file, filename="big.bmp", on_progress=seen.append)
        assert bytes(size) in server.heard[0].body()
    assert set(file.asked) <= {0, 5, 1024 * 1024}
    assert seen == [0, 1024 * 1024, 2 * 1024 * 1024, 3 * 1024 * 1024, size, size]


def test_a_file_that_becomes_shorter_is_told(open_client: Open, tmp_path: Path) -> None:
    path = tmp_path / "shrinks.bmp"
    path.write_bytes(bytes(3 * 1024 * 1024))

    def shrink(sent: int) -> None:
        if sent == 1024 * 1024:
            os.truncate(path, sent)

    with stub(accepts(told())) as server, pytest.raises(MalformedUpload, match="truncated"):
        open_client(server.url).upload(path, on_progress=shrink)


def test_what_was_opened_is_closed(jpeg: Path) -> None:
    """ResourceWarnings are errors here; this one would only be told at the very end."""
    picture = Picture(jpeg)
    form = Form(picture, "default")
    assert int(form.headers["Content-Length"]) == sum(len(piece) for piece, _ in form.pieces())
    picture.close()
    with pytest.raises(ValueError, match="closed"):
        picture.read(0)
