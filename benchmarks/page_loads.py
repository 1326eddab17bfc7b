"""The page loaded in Chromium, in new processes and again in one."""

import statistics
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, Request, sync_playwright

from benchmarks.problem import BenchmarkError
from media_processor.harness.chromium import MISSING, find_chromium

LOADS = 10
_TIMES = """() => new Promise((resolve) => new PerformanceObserver((list) => {
    const paint = list.getEntriesByName("first-contentful-paint")[0];
    if (!paint) return;
    const { responseStart } = performance.getEntriesByType("navigation")[0];
    resolve([paint.startTime, responseStart]);
}).observe({ type: "paint", buffered: true }))"""


@dataclass
class Loads:
    """What some loads took, in ms, and the bytes of each on the wire."""

    painted: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    bytes_each: list[int] = field(default_factory=list)

    @property
    def paints(self) -> tuple[float, float]:
        return statistics.median(self.painted), max(self.painted)

    @property
    def answer(self) -> float:
        return statistics.median(self.answered)

    @property
    def wire(self) -> int:
        return round(statistics.median(self.bytes_each))


def program() -> str:
    found = find_chromium()
    if found is None:
        raise BenchmarkError(MISSING)
    return found


def cold(chromium: str, address: str) -> Loads:
    loads = Loads()
    with sync_playwright() as playwright:
        for _ in range(LOADS):
            browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
            _load(browser.new_page(), address, loads)
            browser.close()
    return loads


def warm(chromium: str, address: str) -> Loads:
    """In one tab that has loaded it before; every file is asked for whether it has changed."""
    loads = Loads()
    with sync_playwright() as playwright:
        browser: Browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        page = browser.new_page()
        _load(page, address, Loads())
        for _ in range(LOADS):
            _load(page, address, loads)
        browser.close()
    return loads


_ARGUMENTS = ["--no-sandbox", "--disable-gpu"]


def _load(page: Page, address: str, loads: Loads) -> None:
    # Until the page has its list of pictures, so that no load disturbs the next.
    ended: list[Request] = []

    def heard(request: Request) -> None:
        ended.append(request)

    page.on("requestfinished", heard)
    page.goto(address, wait_until="commit")
    painted, answered = page.evaluate(_TIMES)
    page.locator("#cards li").first.wait_for()
    page.remove_listener("requestfinished", heard)
    own = [one for one in ended if one.url == address or "/web/" in one.url]
    loads.painted.append(painted)
    loads.answered.append(answered)
    loads.bytes_each.append(sum(_wire_bytes(one) for one in own))


def _wire_bytes(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]
