"""The archive goes away in the middle of a picture that is being handed on."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from media_processor.ids import new_media_id, now
from media_processor.messages.archive import StoredMedia
from tests.system import System, running_system
from tests.work.records import accept, store

_SIZE, _SENT = 10_000_000, 3_000_000


class _Dying(BaseHTTPRequestHandler):
    """Knows every picture, and dies of sending it."""

    def do_GET(self) -> None:
        if self.path.endswith("/file"):
            self._answer("image/jpeg", _SIZE, b"x" * _SENT)
        elif self.path.startswith("/media/"):
            media_id = self.path.rpartition("/")[2]
            told = stored(media_id).model_dump_json().encode()
            self._answer("application/json", len(told), told)
        else:
            self._answer("application/json", 2, b"{}")

    def _answer(self, kind: str, size: int, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def stored(media_id: str) -> StoredMedia:
    return StoredMedia(
        media_id=media_id,
        filename="watermarked_a.jpg",
        worker_name="worker-1",
        content_type="image/jpeg",
        stored_path="x",
        sha256="0" * 64,
        size=_SIZE,
        stored_at=now(),
    )


@pytest.fixture(scope="module")
def fast_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), _Dying) as archive,
        running_system(tmp_path_factory.mktemp("fast-server")) as system,
    ):
        thread = threading.Thread(target=archive.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{archive.server_port}/upload-final"
        system.start("fast-server", CENTRAL_SERVER_URL=url)
        system.wait_fast()
        yield system
        system.stop()
        archive.shutdown()
        thread.join()


def read(fast_server: System, method: str, path: str, got: list[bytes]) -> None:
    with fast_server.http.stream(method, path, data={"id": new_media_id()}) as answer:
        assert answer.status_code == 200
        got.extend(answer.iter_raw())


@pytest.mark.parametrize("way", ["file", "watermarked", "zip"])
def test_the_client_sees_it_and_the_log_says_it_in_one_line(fast_server: System, way: str) -> None:
    spool = fast_server.spool()
    media = accept(spool)
    store(spool, media)
    before = fast_server.log("fast-server")
    asked = {
        "file": ("GET", f"/archive/{new_media_id()}/file"),
        "watermarked": ("GET", f"/media/{media.record.id}/watermarked"),
        "zip": ("POST", "/archive/zip"),
    }
    got: list[bytes] = []

    with pytest.raises(httpx2.RemoteProtocolError):
        read(fast_server, *asked[way], got)

    assert 0 < len(b"".join(got)) < _SIZE
    assert b"PK\5\6" not in b"".join(got)  # the end of a ZIP
    said = fast_server.log("fast-server").removeprefix(before)
    assert said.count("\n") == 1, said
    assert "aborted: the central server failed (RemoteProtocolError)" in said
