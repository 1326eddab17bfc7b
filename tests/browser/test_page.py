"""The page as a whole: small, quick, for every eye, width and light."""

import re
from collections.abc import Callable
from importlib.resources import files

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.desk import card, expect_pictures, scenes, screenshot
from tests.system import System

_MOST_BYTES = 110_000
_LOADS = 5
_FIRST_CONTENTFUL_PAINT = """() => new Promise((resolve) => new PerformanceObserver((list) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (paint) resolve(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""

_VIEWS = ("archive", "operations", "upload", "media")


@pytest.fixture(scope="module")
def filled(running: System) -> System:
    ids = [running.upload(content, name).id for name, content in scenes(6)]
    torn = running.upload(scenes(1)[0][1][:4000], "torn.jpg").id
    for media_id in ids:
        running.wait_for(media_id, "stored")
    running.wait_for(torn, "failed")
    return running


def _shown(page: Page, view: str) -> None:
    if view == "upload":
        expect(card(page, "torn.jpg").first).to_contain_text("truncated")
        expect_pictures(page, "#cards .card[data-state=stored] img")
    elif view == "archive":
        expect(page.locator("#archive-list li").nth(5)).to_be_visible()
        expect_pictures(page, "#archive-list img")
    elif view == "operations":
        expect(page.locator("#dead li").first).to_be_visible()
        expect(page.locator("#activity li").nth(5)).to_be_attached()
    else:
        page.locator("#cards .card[data-state=stored] a.open").first.click()
        expect(page.get_by_role("slider")).to_be_visible()
        expect_pictures(page, "#stage img")


def _each_view(page: Page, *, after: Callable[[str], None]) -> None:
    for view in _VIEWS:
        if view != "media":
            page.get_by_role("link", name=view.capitalize(), exact=True).click()
        _shown(page, view)
        after(view)
        if view == "media":
            page.keyboard.press("Escape")


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(filled: System, open_page: OpenPage, dark: bool) -> None:
    page = open_page(filled, dark=dark)
    serious: list[str] = []

    def examine(view: str) -> None:
        screenshot(page, f"{view}-{'dark' if dark else 'light'}")
        serious.extend(
            f"{view}: {one['impact']}: {one['help']}: {[node['target'] for node in one['nodes']]}"
            for one in Axe().run(page).response["violations"]
            if one["impact"] in ("serious", "critical")
        )

    _each_view(page, after=examine)

    assert not serious, "\n".join(serious)


@pytest.mark.parametrize("width", [320, 375])
def test_a_phone_never_scrolls_sideways(filled: System, open_page: OpenPage, width: int) -> None:
    page = open_page(filled, size=(width, 720))
    root = "(document.querySelector('dialog[open]') ?? document.documentElement)"

    def examine(view: str) -> None:
        screenshot(page, f"{view}-phone-{width}")
        assert page.evaluate(f"{root}.scrollWidth") <= width, view
        small = page.evaluate(
            f"""() => [...{root}.querySelectorAll("button, .button, select, nav a, .tick")]
                .filter((one) => one.checkVisibility())
                .filter((one) => one.getBoundingClientRect().height < 44)
                .map((one) => one.textContent || one.id)"""
        )
        assert not small, f"{view}: too small for a finger: {small}"

    _each_view(page, after=examine)


def test_the_page_is_small() -> None:
    web = files("media_processor.fast_server") / "web"
    sizes = {part.name: len(part.read_bytes()) for part in web.iterdir()}

    print(f"\nthe page: {sum(sizes.values()):,} bytes in {len(sizes)} files")  # noqa: T201
    assert sum(sizes.values()) <= _MOST_BYTES, sizes
    assert {name.rpartition(".")[2] for name in sizes} == {"html", "css", "js", "svg"}


def test_the_first_render_waits_for_no_answer(filled: System, browser: Browser) -> None:
    """Nothing but the page's own files stands before it. How long it takes is printed; whoever
    wants the figure says ``pytest -s``."""
    page = browser.new_page()
    page.route(re.compile(r"/(events|limits|profiles|queue|media)(\?|$)"), lambda _: None)
    times = []
    for _ in range(_LOADS):
        page.goto(f"{filled.fast_url}/", wait_until="commit")
        times.append(page.evaluate(_FIRST_CONTENTFUL_PAINT))
    expect(page.get_by_text("Drop pictures here", exact=True)).to_be_visible()
    page.close()

    print(f"\nfirst contentful paint: {', '.join(f'{one:.0f}' for one in sorted(times))} ms")  # noqa: T201


def test_views_are_told_to_a_screen_reader(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled)
    for name in ("Archive", "Operations", "Upload"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_title(f"{name} · media-processor")
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_focused()
        expect(page.locator("nav [aria-current=page]")).to_have_text(name)
    page.go_back()
    expect(page.locator("#operations-view")).to_be_visible()
