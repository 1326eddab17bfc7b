"""Operations and profiles: what the system does now, and how a picture would look."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from media_processor.harness.machine import CENTRAL, FAST, WORKER
from tests.browser.conftest import OpenPage
from tests.browser.desk import (
    card,
    drawn,
    drop,
    expect_pictures,
    overtake,
    scene,
    scenes,
    screenshot,
    without,
)
from tests.system import System, running_system

_PROFILES = """
[proof]
text = "PROOF"
anchor = "center"
opacity = 0.5
scale = 0.6
"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("busy")
    profiles: Path = folder / "watermarks.toml"
    profiles.write_text(_PROFILES)
    with running_system(folder) as system:
        system.environment["WATERMARKS"] = str(profiles)
        system.start(CENTRAL)
        system.start(FAST)
        system.start("worker-server", WORKER, SIMULATED_LATENCY="3-3")
        system.wait_healthy()
        yield system


@pytest.mark.slow
def test_the_operations_tell_what_the_system_does(busy: System, open_page: OpenPage) -> None:
    page = open_page(busy, "#operations")
    expect(page.locator("#accepting")).to_have_text("open")
    stages = page.locator("#workers td:nth-child(2)")
    expect(stages).to_have_text(["uploading", "watermarking"])
    expect(page.locator(".tiles dt").nth(0)).to_have_text("Watermarking")
    expect(page.locator(".tiles dt").nth(1)).to_have_text("Uploading")
    ids = [busy.upload(content, name).id for name, content in scenes(6)]

    expect(page.locator("#workers a").first).to_contain_text(".jpg")
    expect(page.locator("#unfinished")).not_to_have_text("0")
    expect(page.locator("[data-stage=watermark] b").nth(1)).not_to_have_text("0")  # running
    expect(page.locator("#oldest")).not_to_have_text("–")
    screenshot(page, "operations")
    for media_id in ids:
        busy.wait_for(media_id, "stored")
    expect(page.locator("#unfinished")).to_have_text("0")
    expect(page.locator("#chart-words")).to_contain_text("6 pictures in the last 5 minutes")
    expect(page.locator("#chart rect.some")).not_to_have_count(0)
    expect(page.locator("#activity li")).to_have_count(6)
    expect(page.locator("#activity li").first).to_contain_text("worker-1 watermarked_")
    expect(page.locator("#verdict")).to_be_visible()
    screenshot(page, "operations-done")


def test_each_stage_that_the_server_reports_has_a_tile(
    running: System, open_page: OpenPage
) -> None:
    report = running.http.get("/queue").json()
    report["queues"]["notify"] = {"waiting": 1234, "running": 1, "retrying": 0}
    worker = {"name": "worker-3", "stage": "notify", "running": 1}
    report["workers"] = [worker | {"started_at": "2026-01-02T03:04:05Z"}]
    answers = [report, {**report, "queues": None, "workers": None}]

    def stream(route: Route) -> None:
        data = json.dumps(answers[0])
        body = f"retry: 100\nevent: queue\ndata: {data}\n\n"
        route.fulfill(content_type="text/event-stream", body=body)

    page = open_page(running, "#operations")
    page.route("**/events", stream)
    page.reload()

    depths = page.locator("[data-stage=notify] b")
    expect(depths).to_have_text(["1,234", "1", "0"])
    expect(page.locator("#tiles dt")).to_have_text(
        [
            *("Watermarking", "Uploading", "Notify"),
            *("In progress", "Oldest in progress", "Uploads", "Failed"),
        ]
    )
    expect(page.locator("#workers td:nth-child(2)")).to_have_text("notify")
    screenshot(page, "operations-third-stage")
    answers.pop(0)
    expect(depths).to_have_text(["?", "?", "?"])  # Redis is away


def test_a_profile_is_seen_before_anything_is_sent(busy: System, open_page: OpenPage) -> None:
    page = open_page(busy)
    select = page.get_by_label("Profile", exact=True)
    expect(select.locator("option")).to_have_text(["default", "proof"])
    expect(page.locator("#profile-words")).to_contain_text("The logo, 20 %")
    expect_pictures(page, "#profile-logo")
    before = len(busy.http.get("/media").json()["items"])
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Preview").click()
    chooser.value.set_files({"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": scene(0)})
    expect(page.locator("#preview-state")).to_contain_text("with the profile “default”")
    expect_pictures(page, "#preview img")
    shown = page.locator("#preview-after").get_attribute("src")

    select.select_option("proof")

    expect(page.locator("#profile-words")).to_contain_text("The text “PROOF”")
    expect(page.locator("#profile-logo")).to_be_hidden()
    assert busy.http.get("/profiles/proof/logo").status_code == 404
    expect(page.locator("#preview-state")).to_contain_text("with the profile “proof”")
    expect(page.locator("#preview-after")).not_to_have_attribute("src", shown or "")
    expect_pictures(page, "#preview img")
    screenshot(page, "preview")
    assert len(busy.http.get("/media").json()["items"]) == before

    page.get_by_role("button", name="Send this picture").click()
    expect(card(page, "mine.jpg")).to_have_attribute("data-state", "stored")
    assert busy.http.get("/media").json()["items"][0]["profile"] == "proof"


@pytest.mark.slow
def test_a_report_that_is_older_than_the_streams_is_not_shown(
    running: System, open_page: OpenPage
) -> None:
    with without(running, WORKER):
        running.upload(scene(5), "reported.jpg")
        page = open_page(running)
        pulse = page.locator("#pulse-words")
        expect(pulse).to_contain_text("1 in progress")

        def ended() -> None:
            running.restart(WORKER)
            expect(pulse).not_to_contain_text("1 in progress")

        overtake(page, "**/queue", ended)
        with page.expect_response("**/queue"):
            page.get_by_role("link", name="Operations", exact=True).click()
        drawn(page)

        # At once: the next report would mend it.
        assert page.locator("#unfinished").text_content() == "0"


def test_pictures_get_the_profile_that_was_chosen_when_they_came(
    busy: System, open_page: OpenPage
) -> None:
    page = open_page(busy)
    held: list[Route] = []
    page.route("**/limits", lambda route: held.append(route))
    page.reload()
    select = page.get_by_label("Profile", exact=True)
    expect(select.locator("option")).to_have_count(2)
    select.select_option("proof")
    drop(page, [("chosen before.jpg", scene(3))])
    select.select_option("default")

    held[0].continue_()

    expect(card(page, "chosen before.jpg")).to_have_attribute("data-state", "stored")
    assert busy.http.get("/media").json()["items"][0]["profile"] == "proof"


def test_a_preview_that_cannot_be_made_says_why(busy: System, open_page: OpenPage) -> None:
    page = open_page(busy, failing=True)

    page.set_input_files(
        "#preview-file", {"name": "no.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"}
    )

    expect(page.locator("#preview-state")).to_contain_text("isn't in a supported picture format")
    expect(page.locator("#preview img").first).to_be_hidden()
    expect(page.locator("#preview img").last).to_be_hidden()
