"""Before and after, what changed, and every fact about a picture."""

import re

import pytest
from playwright.sync_api import Page, expect

from media_processor.harness.machine import WORKER
from media_processor.images.splice import is_installed
from tests.browser.conftest import OpenPage
from tests.browser.desk import card, expect_pictures, overtake, scene, screenshot, without
from tests.images.pictures import encoded, photo
from tests.system import System


@pytest.fixture(scope="module")
def jpeg(running: System) -> str:
    media_id = running.upload(scene(0), "Lake at dawn.jpg").id
    running.wait_for(media_id, "stored")
    return media_id


def _slid(page: Page) -> float:
    clip = page.locator("#after-image").evaluate("image => getComputedStyle(image).clipPath")
    return float(str(clip).split()[-1].rstrip("%)"))


def test_the_slider_moves_between_before_and_after(
    running: System, open_page: OpenPage, jpeg: str
) -> None:
    page = open_page(running, f"#media/{jpeg}")
    expect_pictures(page, "#stage img")
    slider = page.get_by_role("slider")
    expect(slider).to_be_focused()
    assert _slid(page) == 50

    box = page.locator("#stage").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    assert _slid(page) == pytest.approx(80, abs=3)
    slider.press("Home")
    assert _slid(page) == 0
    slider.fill("62")
    assert _slid(page) == 62
    expect(slider).to_have_attribute("aria-valuetext", "62 % original, 38 % result")
    screenshot(page, "compare")
    info = page.locator("#compare-facts")
    way = (
        "splice: only the blocks under the overlay"
        if is_installed()
        else "decode: the whole picture"
    )
    expect(info).to_contain_text(way)
    expect(info).to_contain_text("900 × 675 pixels")
    expect(info).to_contain_text("watermarked_Lake at dawn.jpg")
    expect(page.locator("#compare-spans")).to_contain_text("watermarking")
    for name in ("Original", "Result"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        size = download.value.path().stat().st_size
        assert size == (len(scene(0)) if name == "Original" else running.status(jpeg).result.size)  # type: ignore[union-attr]


@pytest.mark.skipif(not is_installed(), reason="no native core here: much of a JPEG changes")
def test_what_changed_shows_only_the_touched_blocks(
    running: System, open_page: OpenPage, jpeg: str
) -> None:
    page = open_page(running, f"#media/{jpeg}")

    page.get_by_role("button", name="What changed").click()

    told = running.http.get(f"/media/{jpeg}/difference").json()
    assert 0 < told["touched"] < told["columns"] * told["rows"] / 10
    expect(page.locator("#compare-words")).to_contain_text(f"{told['touched']:,} of ")
    row, column, many = told["runs"][len(told["runs"]) // 2]
    vivid, dim = page.locator("#changed").evaluate(
        """(canvas, [x, y]) => {
            const { width, height } = canvas;
            const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            const most = (left, top) => {
                let spread = 0;
                for (let row = top; row < top + 8; row += 1)
                    for (let at = 4 * (row * width + left), n = 0; n < 8; n += 1, at += 4) {
                        const colour = data.slice(at, at + 3);
                        spread = Math.max(spread, Math.max(...colour) - Math.min(...colour));
                    }
                return spread;
            };
            return [most(x, y), most(8, height - 90)];
        }""",
        [(column + many // 2) * 8, row * 8],
    )
    assert vivid > 60
    assert dim < 12  # grey, but for the ground's own tint
    screenshot(page, "changed")


@pytest.mark.parametrize("kind", ["TIFF", "BMP"])
def test_what_a_browser_cannot_show_is_shown_all_the_same(
    running: System, open_page: OpenPage, kind: str
) -> None:
    data = encoded(photo((320, 240)), kind) + b"behind it"
    media_id = running.upload(data, f"scan.{kind.lower()}").id
    running.wait_for(media_id, "stored")

    page = open_page(running, f"#media/{media_id}")

    expect(page.locator("#compare-facts")).to_contain_text("decode: the whole picture")
    expect(page.locator("#compare-facts")).to_contain_text("data behind the picture was dropped")
    expect_pictures(page, "#stage img")
    page.get_by_role("button", name="What changed").click()
    expect(page.locator("#compare-words")).to_contain_text("blocks of 8 × 8 pixels changed")


def test_everything_can_be_done_with_the_keyboard(
    running: System, open_page: OpenPage, jpeg: str
) -> None:
    page = open_page(running)
    running.status(jpeg)
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    chooser = page.locator("#choose-files")
    expect(chooser).to_be_focused()
    page.locator(":focus").set_input_files(
        {"name": "by keys.jpg", "mimeType": "image/jpeg", "buffer": scene(4)}
    )
    mine = card(page, "by keys.jpg")
    expect(mine).to_have_attribute("data-state", "stored")

    _tab_to(page, "by keys.jpg")
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider")
    expect(slider).to_be_focused()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert _slid(page) == 53
    page.keyboard.press("Escape")
    expect(page.locator("#compare")).to_be_hidden()
    expect(mine.locator("a.open")).to_be_focused()
    expect(page).to_have_url(re.compile("#upload$"))

    page.goto(f"{running.fast_url}/#upload")
    _tab_to(page, "Archive")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Archive")).to_be_focused()
    expect(page.locator("#archive-link")).to_have_attribute("aria-current", "page")


def _tab_to(page: Page, text: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            return
    pytest.fail(f"Tab doesn't lead to {text!r}")


def test_a_picture_that_is_opened_on_its_way_arrives(running: System, open_page: OpenPage) -> None:
    with without(running, WORKER):
        media_id = running.upload(scene(1), "on its way.jpg").id
        page = open_page(running, f"#media/{media_id}")
        expect(page.locator("#compare-words")).to_have_text("This picture isn’t stored yet.")
        expect_pictures(page, "#before-image")

    expect(page.locator("#compare-facts")).to_contain_text("stored")
    expect(page.get_by_role("slider")).to_be_visible()
    expect_pictures(page, "#stage img")


def test_an_answer_that_is_older_than_the_end_is_not_the_last_word(
    running: System, open_page: OpenPage
) -> None:
    with without(running, WORKER):
        media_id = running.upload(scene(2), "overtaken.jpg").id
        page = open_page(running)
        mine = card(page, "overtaken.jpg")
        expect(mine).to_have_attribute("data-state", "queued")

        def stored() -> None:
            running.restart(WORKER)
            expect(mine).to_have_attribute("data-state", "stored")

        overtake(page, f"**/media/{media_id}", stored, when=page.locator("#compare").is_visible)
        mine.locator("a.open").click()

        expect(page.locator("#compare-facts")).to_contain_text("Stored as")
        expect(page.get_by_role("slider")).to_be_visible()


def test_a_picture_that_fails_while_it_is_looked_at_says_why(
    running: System, open_page: OpenPage
) -> None:
    with without(running, WORKER):
        media_id = running.upload(scene(1)[:4000], "torn on its way.jpg").id
        page = open_page(running, f"#media/{media_id}", failing=True)
        expect(page.locator("#compare-words")).to_have_text("This picture isn’t stored yet.")

    expect(page.locator("#compare-words")).to_contain_text("truncated")


def test_an_address_of_no_picture_says_so(running: System, open_page: OpenPage) -> None:
    page = open_page(running, "#media/nothing", failing=True)

    expect(page.locator("#compare-words")).not_to_be_empty()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#upload-view")).to_be_visible()
