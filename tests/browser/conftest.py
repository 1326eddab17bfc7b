"""Chromium, driven through the page of a running system."""

from collections.abc import Iterator
from typing import Protocol

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from media_processor.harness.chromium import MISSING, find_chromium
from tests.system import System, running_system

_SECONDS = 30

REBOUND = "rebound.example"
"""A name whose owner has made it lead to this machine."""

expect.set_options(timeout=_SECONDS * 1000)


class OpenPage(Protocol):
    """Opens the page of a system; ``failing`` says that requests will fail on purpose."""

    def __call__(
        self,
        system: System,
        view: str = "",
        *,
        dark: bool = False,
        size: tuple[int, int] = (1280, 900),
        failing: bool = False,
    ) -> Page: ...


# Not for the session: while Playwright runs, its thread has a running event loop, and no
# other test of this process could have one.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
            ],
        )


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for all that don't count what is in it; whoever breaks it mends it."""
    with running_system(tmp_path_factory.mktemp("running")) as system:
        system.start_all()
        yield system


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Fails a test whose page says an error on the console or speaks to another host."""
    complaints: list[str] = []
    pages: list[Page] = []

    def opened(
        system: System,
        view: str = "",
        *,
        dark: bool = False,
        size: tuple[int, int] = (1280, 900),
        failing: bool = False,
    ) -> Page:
        def heard(message: ConsoleMessage) -> None:
            expected = failing and message.text.startswith("Failed to load resource")
            if message.type in ("error", "warning") and not expected:
                complaints.append(f"{message.text} ({message.location.get('url')})")

        def asked(request: Request) -> None:
            if not request.url.startswith((f"{system.fast_url}/", f"blob:{system.fast_url}/")):
                complaints.append(f"another host was asked: {request.url}")

        page = browser.new_page(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        page.set_default_timeout(_SECONDS * 1000)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", asked)
        page.goto(f"{system.fast_url}/{view}")
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.unroute_all(behavior="ignoreErrors")  # one that still waits would fail the next test
        page.close()
    assert not complaints, "\n".join(complaints)
