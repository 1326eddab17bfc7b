"""What goes wrong is told, and healed, in front of whoever watches."""

import re

import pytest
from playwright.sync_api import expect

from media_processor.harness.machine import CENTRAL, FAST, WORKER
from tests.browser.conftest import OpenPage
from tests.browser.desk import (
    card,
    drawn,
    drop,
    expect_stored,
    overtake,
    scene,
    scenes,
    screenshot,
    without,
)
from tests.system import System


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_only_time(system: System, open_page: OpenPage) -> None:
    system.start(CENTRAL)
    system.start(FAST)
    system.start("worker-server", WORKER, SIMULATED_LATENCY="2-2")
    system.wait_healthy()
    page = open_page(system)
    drop(page, scenes(12))
    expect(page.locator("#cards .card[data-state=watermarking]").first).to_be_visible()

    system.kill(WORKER)
    system.start("worker-server", "worker-2")

    expect(page.locator("#progress-words")).to_have_text("12 of 12 stored")
    expect_stored(page, 12)
    assert "stored · worker-2" in " ".join(page.locator(".state").all_text_contents())
    assert len(system.stored_files()) == 12


def test_a_failure_tells_why_and_a_retry_mends_it(system: System, open_page: OpenPage) -> None:
    system.start(CENTRAL)
    system.start(FAST)
    system.wait_healthy()
    page = open_page(system)
    drop(page, [("mended.jpg", scene(0)), ("lost.jpg", scene(1))])
    expect(page.locator("#pulse-words")).to_contain_text("workers: error")
    waiting = page.locator("#cards .card[data-state=queued]")
    expect(waiting).to_have_count(2)
    originals = {
        item["filename"]: next((system.data / "uploads/originals").glob(f"**/{item['id']}.jpg"))
        for item in system.http.get("/media").json()["items"]
    }
    for path in originals.values():
        path.rename(path.with_suffix(".away"))

    system.start("worker-server", WORKER)

    failed = card(page, "mended.jpg")
    expect(failed).to_have_attribute("data-state", "failed")
    expect(failed.locator(".reason")).to_contain_text("The original is missing from the spool.")
    expect(page.locator("#progress-words")).to_have_text("0 of 2 stored · 2 failed")
    expect(page.locator("#pulse-words")).to_have_text("None in progress · 2 failed")
    screenshot(page, "failed")
    for path in originals.values():
        path.with_suffix(".away").rename(path)
    overtake(page, "**/retry", lambda: expect(failed).to_have_attribute("data-state", "stored"))
    with page.expect_response("**/retry"):
        failed.get_by_role("button", name="Retry mended.jpg").click()
    drawn(page)  # an answer that is older than the end
    expect(failed).to_have_attribute("data-state", "stored")

    page.get_by_role("link", name="Operations", exact=True).click()
    row = page.locator("#dead li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("The original is missing from the spool.")
    screenshot(page, "dead-letters")
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator("#notice")).to_have_text("Retrying 1 picture")
    expect(row).to_have_count(0)
    system.wait_for(system.http.get("/media").json()["items"][0]["id"], "stored")
    page.get_by_role("link", name="Upload", exact=True).click()
    expect_stored(page, 2)


def test_a_fast_server_that_restarts_is_waited_for(running: System, open_page: OpenPage) -> None:
    page = open_page(running, failing=True)
    expect(page.locator("#pulse-words")).to_contain_text(re.compile("All done|None in progress"))
    expect(page.locator("#banner")).to_be_hidden()

    with without(running, FAST):
        expect(page.locator("#banner")).to_be_visible()
        expect(page.locator("#pulse-words")).to_have_text("No connection")
        page.get_by_role("link", name="Operations", exact=True).click()
        expect(page.locator("#operations-view")).to_be_visible()  # with the last report
        assert page.locator("#pulse-words").text_content() == "No connection"
        page.get_by_role("link", name="Upload", exact=True).click()
        drop(page, [("patient.jpg", scene(2))])
        patient = card(page, "patient.jpg")
        expect(patient.locator(".state")).to_contain_text("trying again in")
        screenshot(page, "reconnecting")
    elsewhere = running.upload(scene(3), "sent elsewhere.jpg").id

    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#pulse-words")).not_to_have_text("No connection")
    expect(patient).to_have_attribute("data-state", "stored")
    running.wait_for(elsewhere, "stored")
    expect(card(page, "sent elsewhere.jpg")).to_have_attribute("data-state", "stored")


def test_what_was_stored_stays_counted_when_the_list_no_longer_has_it(
    running: System, open_page: OpenPage
) -> None:
    page = open_page(running, failing=True)
    drop(page, [("counted.jpg", scene(4))])
    expect(page.locator("#progress-words")).to_have_text("1 of 1 stored")
    nothing = '{"items": [], "next": null}'
    page.route(re.compile(r"/media\?limit="), lambda route: route.fulfill(body=nothing))

    with without(running, FAST):
        expect(page.locator("#banner")).to_be_visible()

    expect(page.locator("#cards .card")).to_have_count(0)
    expect(page.locator("#progress-words")).to_have_text("1 of 1 stored")


def test_an_archive_that_is_away_is_told_in_its_place(running: System, open_page: OpenPage) -> None:
    media = running.upload(scene(0), "kept.jpg")
    running.wait_for(media.id, "stored")
    with without(running, CENTRAL):
        page = open_page(running, "#archive", failing=True)
        expect(page.get_by_role("alert")).to_contain_text("central server")
        screenshot(page, "archive-away")

    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#archive-list")).to_contain_text("kept.jpg")
