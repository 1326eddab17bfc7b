"""``/docs`` in a browser, which fails a test if another host is asked."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.system import System


def test_it_shows_every_operation(running: System, open_page: OpenPage) -> None:
    described = running.http.get("/openapi.json").json()["paths"]
    operations = [f"{method.upper()} {path}" for path in described for method in described[path]]
    assert len(operations) > 20

    page = open_page(running, "docs")

    expect(page).to_have_title("media-processor: fast server")
    expect(page.locator("main h2")).to_have_text(operations)
    expect(page.locator("nav a")).to_have_text(operations)
    expect(page.locator("main pre")).to_have_count(len(operations))
    heading = page.get_by_role("heading", name="POST /media", exact=True)
    upload = page.locator("section").filter(has=heading)
    expect(upload.locator("pre")).to_have_text(f"curl -F file=@photo.jpg {running.fast_url}/media")
    rows = upload.get_by_role("row")
    for name, told in (
        ("idempotency-key", "header: string, 1 to 255"),
        ("file", "string, binary, required"),
        ("413", "upload_too_large"),
        ("sha256", "string, required"),
    ):
        row = rows.filter(has=page.get_by_role("rowheader", name=name, exact=True))
        expect(row).to_contain_text(told)
    page.get_by_role("link", name="POST /archive/zip").click()
    expect(page.get_by_role("heading", name="POST /archive/zip")).to_be_in_viewport()


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(running: System, open_page: OpenPage, dark: bool) -> None:
    page = open_page(running, "docs", dark=dark)
    expect(page.locator("main h2").first).to_be_visible()

    found = Axe().run(page).response["violations"]

    assert not [each for each in found if each["impact"] in ("serious", "critical")], found


def test_without_a_description_it_says_so(running: System, open_page: OpenPage) -> None:
    page = open_page(running, "docs", failing=True)
    page.route("**/openapi.json", lambda route: route.fulfill(status=503))
    page.reload()

    expect(page.get_by_role("status")).to_contain_text("the server answered 503")


def test_both_servers_have_it_under_strict_rules(running: System) -> None:
    for server in (running.http, running.central):
        answer = server.get("/docs")

        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "//" not in answer.text
        assert server.get("/docs/docs.js").status_code == 200
        assert server.get("/docs/", follow_redirects=True).text == answer.text
        assert server.get("/redoc").status_code == 404
