"""The archive: searched, sorted, live, downloaded."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from media_processor.harness.machine import FAST
from tests.browser.conftest import OpenPage
from tests.browser.desk import card, drawn, expect_pictures, overtake, scenes, screenshot, without
from tests.images.pictures import encoded, photo
from tests.system import System, running_system

_SMALL = encoded(photo((64, 48)), "JPEG")
_MANY = 52


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("filled")) as system:
        system.start_all()
        small = [(f"small {number:02}.jpg", _SMALL) for number in range(_MANY)]
        ids = [system.upload(content, name).id for name, content in small + scenes(12)]
        for media_id in ids:
            system.wait_for(media_id, "stored")
        yield system


@pytest.mark.slow
def test_the_grid_goes_on_as_it_is_scrolled(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled, "#archive")
    tiles = page.locator("#archive-list li")
    expect(tiles).to_have_count(60)
    expect(page.locator("#archive-count")).to_have_text("60 pictures so far")
    expect_pictures(page, "#archive-list img")
    screenshot(page, "archive")

    page.mouse.wheel(0, 20_000)

    expect(tiles).to_have_count(_MANY + 12)
    expect(page.locator("#archive-count")).to_have_text(f"{_MANY + 12} pictures")


def test_the_grid_goes_on_if_its_end_was_reached_during_a_request(
    filled: System, open_page: OpenPage
) -> None:
    page = open_page(filled, "#archive")
    tiles = page.locator("#archive-list li")
    expect(tiles).to_have_count(60)

    def scroll() -> None:
        page.get_by_role("button", name="Show more").scroll_into_view_if_needed()
        drawn(page)

    overtake(page, re.compile(r"/archive\?"), scroll)
    page.get_by_role("combobox", name="Sort").select_option(label="newest first")

    expect(tiles).not_to_have_count(60)


def test_a_search_is_part_of_the_address(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled, "#archive")
    tiles = page.locator("#archive-list li")
    page.get_by_role("searchbox", name="Name").fill("BALLOON")
    expect(tiles).to_have_count(1)
    expect(tiles).to_contain_text("Balloon fiesta.jpg")
    expect(page).to_have_url(re.compile(r"#archive\?name=BALLOON$"))

    page.reload()

    expect(tiles).to_have_count(1)
    expect(page.get_by_role("searchbox", name="Name")).to_have_value("BALLOON")
    page.get_by_role("searchbox", name="Worker").fill("nobody")
    expect(page.get_by_text("No picture matches this search.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(tiles).to_have_count(60)
    page.get_by_role("combobox", name="Sort").select_option("largest")
    expect(tiles.first).not_to_contain_text("small")
    page.get_by_label("From").fill("2999-01-01")
    expect(tiles).to_have_count(0)


def test_three_chosen_pictures_come_as_one_zip(
    filled: System, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(filled, "#archive")
    names = ["Lake at dawn.jpg", "Balloon fiesta.jpg", "Northern lights.jpg"]
    for name in names:
        page.get_by_role("checkbox", name=f"Select watermarked_{name}").check()
    expect(page.locator("#archive-chosen")).to_have_text("3 pictures selected")
    screenshot(page, "archive-chosen")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download as ZIP").click()

    download.value.save_as(tmp_path / "pictures.zip")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "pictures.zip").read_bytes())) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(f"watermarked_{name}" for name in names)
    page.get_by_role("button", name="Clear selection").click()
    expect(page.locator("#archive-bar")).to_be_hidden()


def test_shift_chooses_all_between(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled, "#archive")
    ticks = page.locator("#archive-list").get_by_role("checkbox")
    ticks.nth(1).click()
    ticks.nth(5).click(modifiers=["Shift"])

    expect(page.locator("#archive-chosen")).to_have_text("5 pictures selected")


def test_a_list_that_comes_anew_keeps_its_tiles_and_the_last_choice(
    filled: System, open_page: OpenPage
) -> None:
    """A page whose stream greets it, or comes back, asks for the list again."""
    page = open_page(filled, "#archive")
    tick = page.locator("#archive-list").get_by_role("checkbox").nth(1)
    tick.click()
    first = tick.element_handle()
    with page.expect_response(re.compile(r"/archive\?")):
        page.get_by_role("combobox", name="Sort").select_option(label="newest first")
    expect(page.locator("#archive-list")).to_have_attribute("aria-busy", "false")

    page.locator("#archive-list").get_by_role("checkbox").nth(5).click(modifiers=["Shift"])

    expect(page.locator("#archive-chosen")).to_have_text("5 pictures selected")
    assert first.is_checked()
    assert first.evaluate("tick => tick.isConnected")


def test_one_is_downloaded_and_its_link_copied(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled, "#archive?name=quiet")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with page.expect_download() as download:
        page.get_by_role("link", name="Download watermarked_Quiet water.jpg").click()
    assert download.value.suggested_filename == "watermarked_Quiet water.jpg"

    button = page.get_by_role("button", name="Copy link to")
    page.clock.install()
    button.click()
    expect(button).to_have_text("Copied")
    button.click()
    page.clock.run_for(3000)
    expect(button).to_have_text("Copy link")
    link = page.evaluate("navigator.clipboard.readText()")
    assert filled.http.get(link).content == download.value.path().read_bytes()


def test_the_dialog_gives_the_search_back(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled, "#archive")
    page.get_by_role("searchbox", name="Name").fill("polar")
    tile = page.locator("#archive-list li")
    expect(tile).to_have_count(1)
    page.get_by_role("checkbox", name="Select").check()
    tile.locator("a.open").click()
    expect(page.get_by_role("slider")).to_be_focused()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Escape")

    expect(tile.locator("a.open")).to_be_focused()
    expect(page).to_have_url(re.compile(r"#archive\?name=polar$"))
    expect(page.get_by_role("checkbox", name="Select")).to_be_checked()
    assert not [url for url in asked if "/archive?" in url], "the list was read anew"


def test_what_is_stored_meanwhile_comes_on_top(filled: System, open_page: OpenPage) -> None:
    page = open_page(filled, "#archive")
    expect(page.locator("#archive-list li")).to_have_count(60)

    filled.upload(_SMALL, "fresh.jpg")

    expect(page.locator("#archive-list li").first).to_contain_text("fresh.jpg")


def test_an_answer_older_than_a_stored_picture_does_not_hide_it(
    filled: System, open_page: OpenPage
) -> None:
    page = open_page(filled, "#archive")
    tiles = page.locator("#archive-list li")
    expect(tiles).to_have_count(60)

    def stored() -> None:
        filled.upload(_SMALL, "late.jpg")
        expect(card(page, "late.jpg")).to_have_attribute("data-state", "stored")

    overtake(page, re.compile(r"/archive\?"), stored)
    page.get_by_role("combobox", name="Sort").select_option(label="newest first")

    expect(tiles.first).to_contain_text("late.jpg")


def test_none_is_missing_between_what_is_new_and_what_was_shown(
    filled: System, open_page: OpenPage
) -> None:
    page = open_page(filled, "#archive")
    expect(page.locator("#archive-list li")).to_have_count(60)
    names = iter(["between.jpg", "last.jpg"])

    def newest_alone(route: Route) -> None:
        for name in names:
            filled.wait_for(filled.upload(_SMALL, name).id, "stored")
        route.continue_(url=route.request.url.replace("limit=20", "limit=1"))

    page.route(re.compile(r"/archive\?limit=20"), newest_alone)
    filled.upload(_SMALL, "one.jpg")

    expect(page.locator("#archive-list")).to_contain_text("last.jpg")
    expect(page.locator("#archive-list")).to_contain_text("between.jpg")


def test_a_search_that_was_left_before_it_began_stays_behind(
    filled: System, open_page: OpenPage
) -> None:
    page = open_page(filled, "#archive")
    page.clock.install()
    page.get_by_role("searchbox", name="Name").evaluate(
        """(field) => {
            field.value = "polar";
            field.dispatchEvent(new Event("input", { bubbles: true }));
            location.hash = "#upload";
        }"""
    )

    page.clock.run_for(1000)

    expect(page).to_have_url(re.compile("#upload$"))


@pytest.mark.parametrize(
    ("view", "asked"), [("#archive", r"/archive\?limit="), ("#upload", r"/media\?limit=")]
)
def test_a_page_whose_server_restarts_asks_for_all_that_it_shows(
    filled: System, open_page: OpenPage, view: str, asked: str
) -> None:
    page = open_page(filled, view, failing=True)
    things = page.locator(f"{view}-view .card")
    expect(things).to_have_count(60)
    page.get_by_role("button", name="Show more").scroll_into_view_if_needed()
    if view == "#upload":
        page.get_by_role("button", name="Show more").click()
    expect(things).not_to_have_count(60)

    answered = re.compile(asked)
    with (
        page.expect_response(lambda one: one.ok and bool(answered.search(one.url))) as answer,
        without(filled, FAST),
    ):
        expect(page.locator("#banner")).to_be_visible()

    assert len(answer.value.json()["items"]) > 60
