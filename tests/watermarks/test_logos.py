"""GOOGLE_LOGO: fetched once, checked, cached; a chosen logo is never replaced."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from media_processor.errors import LogoUnavailable
from media_processor.harness.ports import free_port
from media_processor.images.logo import bundled_logo_path, load_logo
from media_processor.settings import WorkerSettings
from media_processor.watermarks.logos import LogoSource
from tests.images.pictures import encoded, photo
from tests.system import System

LOGO = bundled_logo_path().read_bytes()


class LogoServer:
    """Serves ``content`` with ``status`` and counts the requests."""

    def __init__(self, port: int) -> None:
        self.content, self.status, self.requests = LOGO, 200, 0
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.requests += 1
                self.send_response(served.status)
                self.end_headers()
                self.wfile.write(served.content)

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/logo.png"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[LogoServer]:
    server = LogoServer(0)
    yield server
    server.stop()


def source(data: Path, address: str | None) -> LogoSource:
    chosen = address or WorkerSettings().google_logo
    return LogoSource(chosen, data / "logo", is_chosen=address is not None)


async def test_a_logo_is_fetched_once_and_kept_on_disk(server: LogoServer, tmp_path: Path) -> None:
    first = source(tmp_path, server.url)
    path = await first.file()
    assert await first.file() == path
    assert await source(tmp_path, server.url).file() == path  # another worker
    assert path.read_bytes() == LOGO
    assert server.requests == 1
    assert list((tmp_path / "logo").iterdir()) == [path]


async def test_an_svg_is_fetched_and_drawn_elsewhere(server: LogoServer, tmp_path: Path) -> None:
    """Only a picture process finds out that nothing would be seen."""
    server.content = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>'
    path = await source(tmp_path, server.url).file()
    assert path.read_bytes() == server.content
    with pytest.raises(LogoUnavailable, match="draws nothing"):
        load_logo(path)


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (404, LOGO, "404"),
        (200, b"<html>", "logo"),
        (200, LOGO + b"x" * 6_000_000, "larger than"),
        (200, LOGO[:2000], "logo"),
    ],
)
async def test_a_chosen_logo_that_is_bad_is_refused_and_not_kept(
    server: LogoServer, tmp_path: Path, status: int, content: bytes, words: str
) -> None:
    server.status, server.content = status, content
    logo = source(tmp_path, server.url)
    with pytest.raises(LogoUnavailable, match=words):
        await logo.file()
    assert not [*tmp_path.glob("logo/*")]

    server.status, server.content = 200, LOGO  # mended: the next call finds it
    assert load_logo(await logo.file()).size


async def test_a_chosen_url_that_can_not_be_reached_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(LogoUnavailable, match="reached"):
        await source(tmp_path, f"http://127.0.0.1:{free_port()}/logo.png").file()


async def test_a_chosen_file_that_is_missing_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(LogoUnavailable):
        await source(tmp_path, str(tmp_path / "none.png")).file()


async def test_the_default_that_can_not_be_reached_is_replaced_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("https_proxy", closed)
    with caplog.at_level(logging.WARNING):
        assert await source(tmp_path, None).file() == bundled_logo_path()
    assert "the bundled logo is used" in caplog.text


@pytest.mark.slow
def test_jobs_wait_for_a_chosen_logo_and_then_go_on(system: System) -> None:
    port = free_port()
    system.environment["GOOGLE_LOGO"] = f"http://127.0.0.1:{port}/logo.png"
    system.start_all()
    media = system.upload(encoded(photo((64, 48)), "PNG"))
    waiting = system.wait_for(media.id, "retrying")
    assert waiting.error
    assert waiting.error.code == "logo_unavailable"
    assert waiting.attempts["watermark"] == 0

    server = LogoServer(port)
    try:
        system.wait_for(media.id, "stored", seconds=40)
    finally:
        server.stop()
