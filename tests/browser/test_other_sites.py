"""What pages of other sites can do to a system that the browser reaches: nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import REBOUND
from tests.images.pictures import encoded, photo
from tests.system import System

FORGERY = """
<form method="post" enctype="multipart/form-data" action="{central}/upload-final">
<textarea name="worker_name">payroll</textarea><input type="file" name="file"></form>
<script>
  const files = new DataTransfer();
  files.items.add(new File(["<script>alert(1)</" + "script>"], "payroll.jpg"));
  document.querySelector("input").files = files.files;
</script>
"""


class _Page(BaseHTTPRequestHandler):
    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other_site(running: System) -> Iterator[str]:
    """The URL of a page on another port, with a form that delivers a forged picture."""
    page = type(
        "Forgery", (_Page,), {"content": FORGERY.format(central=running.central_url).encode()}
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_form_on_another_site_stores_nothing(
    browser: Browser, running: System, other_site: str
) -> None:
    before = running.http.get(f"{running.central_url}/media").json()
    page = browser.new_page()
    page.goto(other_site)
    with page.expect_navigation() as answered:
        page.evaluate("document.querySelector('form').submit()")
    assert answered.value.status == 403
    assert "cross_site_request" in page.content()
    page.close()
    assert running.http.get(f"{running.central_url}/media").json() == before


def test_a_script_on_another_site_uploads_nothing(
    browser: Browser, running: System, other_site: str
) -> None:
    page = browser.new_page()
    page.goto(other_site)
    picture = list(encoded(photo((60, 40)), "JPEG"))
    before = running.http.get("/media").json()
    failed = page.evaluate(
        """async ([url, picture]) => {
            const form = new FormData();
            form.append("file", new File([new Uint8Array(picture)], "x.jpg"));
            return fetch(url, {method: "POST", mode: "no-cors", body: form}).then(() => "", String);
        }""",
        [f"{running.fast_url}/media", picture],
    )
    assert failed == "TypeError: Failed to fetch"
    assert running.http.get("/media").json() == before
    page.close()


def test_a_name_that_was_rebound_shows_nothing(browser: Browser, running: System) -> None:
    page = browser.new_page()
    for port in (running.fast_port, running.central_port):
        answer = page.goto(f"http://{REBOUND}:{port}/media")
        assert answer is not None
        assert answer.status == 421
    page.close()


def test_a_picture_in_a_tab_of_its_own_is_seen(browser: Browser, running: System) -> None:
    """Though it is shown in a sandbox that allows nothing."""
    sent = running.upload(encoded(photo((60, 40)), "JPEG"))
    running.wait_for(sent.id, "stored")
    page = browser.new_page()
    for name in ("original", "watermarked"):
        page.goto(f"{running.fast_url}/media/{sent.id}/{name}")
        assert page.evaluate("document.images[0].naturalWidth") == 60
    page.close()
