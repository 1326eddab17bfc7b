"""What the tests do on the page, and the pictures that they send."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from re import Pattern

from PIL import Image, ImageOps
from playwright.sync_api import Error, Locator, Page, Route, expect
from testfiles.make_pictures import aurora, balloons, lake

from tests.images.pictures import encoded
from tests.system import System

SCREENSHOTS = Path(__file__).parent / "screenshots"

_NAMES = (
    *("Lake at dawn", "Balloon fiesta", "Northern lights", "Quiet water", "Morning flight"),
    *("Green sky", "Far shore", "Over the valley", "Polar night", "Last light", "Lift-off"),
    "Aurora, wide",
)


@cache
def scene(number: int) -> bytes:
    draw = (lake, balloons, aurora)[number % 3]
    picture = _drawn(draw.__name__)
    if number // 3 % 2:
        picture = ImageOps.mirror(picture)
    width, height = picture.size
    inset = 40 * (number // 6)
    lower = inset * 3 // 4
    cut = picture.crop((inset, lower, width - inset, height - lower))
    return encoded(cut, "JPEG", quality=88)


@cache
def _drawn(name: str) -> Image.Image:
    return {"lake": lake, "balloons": balloons, "aurora": aurora}[name]((900, 675))


def scenes(count: int) -> list[tuple[str, bytes]]:
    return [(f"{_NAMES[number]}.jpg", scene(number)) for number in range(count)]


def drop(page: Page, files: list[tuple[str, bytes]]) -> None:
    page.evaluate(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, text] of files) {
                const bytes = Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
                const type = { jpg: "image/jpeg", png: "image/png", tiff: "image/tiff" };
                const kind = type[name.split(".").pop()] ?? "";
                transfer.items.add(new File([bytes], name, { type: kind }));
            }
            document.body.dispatchEvent(
                new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }),
            );
        }""",
        [(name, base64.b64encode(content).decode()) for name, content in files],
    )


@contextmanager
def without(system: System, name: str, **instead: str) -> Iterator[None]:
    system.kill(name)
    if instead:
        system.start("worker-server", name, **instead)
    try:
        yield
    finally:
        if instead:
            system.kill(name)
            system.start("worker-server", name)
        elif system.processes[name].poll() is not None:
            system.restart(name)
        system.wait_healthy()


def overtake(
    page: Page,
    asked: str | Pattern[str],
    meanwhile: Callable[[], object],
    when: Callable[[], bool] = lambda: True,
) -> None:
    """The next answer to what is ``asked`` comes late: ``meanwhile`` happens on its way."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held or not when():
            return route.continue_()
        held.append(route)
        answer = route.fetch()
        meanwhile()
        with suppress(Error):  # the test may be over, and its page closed
            route.fulfill(response=answer)
        return None

    page.route(asked, hold)


def remember(page: Page, selector: str) -> Callable[[], str]:
    """Returns all that elements have said: it may be gone before a busy machine looks."""
    page.evaluate(
        """(selector) => {
            window.said = "";
            const listen = () => {
                for (const one of document.querySelectorAll(selector)) said += one.textContent;
            };
            const all = { subtree: true, childList: true, characterData: true, attributes: true };
            new MutationObserver(listen).observe(document.body, all);
        }""",
        selector,
    )
    return lambda: str(page.evaluate("said"))


def drawn(page: Page) -> None:
    """Wait until the page has shown what it has heard."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def card(page: Page, name: str) -> Locator:
    return page.locator("#cards .card").filter(has=page.get_by_text(name, exact=True))


def expect_stored(page: Page, count: int) -> None:
    expect(page.locator("#cards .card[data-state=stored]")).to_have_count(count)


def expect_pictures(page: Page, selector: str) -> None:
    page.wait_for_function(
        """(selector) => [...document.querySelectorAll(selector)]
            .filter((image) => image.getBoundingClientRect().top < innerHeight)
            .every((image) => image.complete && image.naturalWidth > 0)""",
        arg=selector,
    )


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
