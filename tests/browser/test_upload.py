"""Pictures come in by dropping, choosing and pasting, and their cards tell the truth."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from media_processor.harness.machine import WORKER
from media_processor.images.splice import is_installed
from tests.browser.conftest import OpenPage
from tests.browser.desk import (
    card,
    drop,
    expect_pictures,
    expect_stored,
    remember,
    scene,
    scenes,
    screenshot,
    without,
)
from tests.images.pictures import encoded, photo
from tests.system import System

_SMALL = encoded(photo((64, 48)), "JPEG")


def test_twelve_dropped_pictures_are_seen_until_they_are_stored(
    system: System, open_page: OpenPage
) -> None:
    system.start_all()
    page = open_page(system)
    expect(page.get_by_text("No pictures yet.")).to_be_visible()

    drop(page, scenes(12))

    expect(page.locator("#progress-words")).to_have_text("12 of 12 stored")
    expect(page.locator("#announcer")).to_have_text("12 of 12 stored")
    expect_stored(page, 12)
    first = card(page, "Lake at dawn.jpg")
    expect(first.locator(".state")).to_have_text("✓stored · worker-1")
    expect(first.locator(".steps li")).to_have_count(4)
    phases = [step.split()[0] for step in first.locator(".steps li").all_text_contents()]
    assert phases == ["queued", "watermarking", "uploading", "stored"]
    assert first.locator(".steps b").count() == 3
    way = "splice · " if is_installed() else "decode · "
    expect(first.locator(".facts")).to_contain_text(way)
    expect(page.locator("#pulse-words")).to_have_text("All done")
    expect_pictures(page, "#cards img")
    screenshot(page, "dropped")
    assert len(system.stored_files()) == 12
    assert len(system.log_lines()) == 12


def test_three_are_in_flight_and_the_others_can_be_cancelled(
    running: System, open_page: OpenPage
) -> None:
    page = open_page(running)
    page.route("**/media?profile=*", lambda _: None)
    drop(page, [(f"held {number}.jpg", _SMALL) for number in range(8)])

    expect(page.locator("#cards .card[data-state=sending]")).to_have_count(3)
    expect(page.locator("#cards .card[data-state=waiting]")).to_have_count(5)
    expect(page.locator("#pulse-words")).to_contain_text("8 to send")
    card(page, "held 0.jpg").get_by_role("button", name="Cancel").click()
    expect(card(page, "held 0.jpg")).to_have_count(0)
    expect(card(page, "held 3.jpg")).to_have_attribute("data-state", "sending")
    page.get_by_role("button", name="Cancel unsent files").click()

    unsent = page.locator("#cards .card:is([data-state=waiting], [data-state=sending])")
    expect(unsent).to_have_count(0)
    expect(page.locator("#pulse-words")).not_to_contain_text("to send")


def test_what_the_server_would_refuse_is_told_before_it_is_sent(
    running: System, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(running)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    large, empty, text = tmp_path / "large.jpg", tmp_path / "empty.jpg", tmp_path / "notes.txt"
    with large.open("wb") as file:
        file.truncate(50 * 1024 * 1024 + 1)
    empty.touch()
    text.write_text("no picture")

    page.set_input_files("#choose-files", [large, empty, text])

    refusals = running.http.get("/limits").json()["refusals"]
    for path, code in (
        (large, "upload_too_large"),
        (empty, "empty_file"),
        (text, "unsupported_picture"),
    ):
        refused = card(page, path.name)
        expect(refused).to_have_attribute("data-state", "refused")
        expect(refused.locator(".reason")).to_have_text(refusals[code])
        expect(refused.get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.locator("#progress-words")).to_have_text("0 of 3 stored · 3 refused")
    screenshot(page, "refused")
    assert "POST" not in sent
    card(page, "notes.txt").get_by_role("button", name="Dismiss").click()
    expect(card(page, "notes.txt")).to_have_count(0)


def test_what_only_the_server_can_see_is_told_in_its_words(
    running: System, open_page: OpenPage
) -> None:
    page = open_page(running, failing=True)

    drop(page, [("pretends.jpg", b"no picture")])

    told = running.post(b"no picture").json()["detail"]
    expect(card(page, "pretends.jpg").locator(".reason")).to_have_text(told)


def test_what_is_chosen_before_the_limits_are_known_is_not_lost(
    running: System, open_page: OpenPage
) -> None:
    page = open_page(running)
    held: list[Route] = []
    page.route("**/limits", lambda route: held.append(route))
    page.reload()
    for name in ("first.jpg", "second.jpg"):
        chosen = {"name": name, "mimeType": "image/jpeg", "buffer": _SMALL}
        page.set_input_files("#choose-files", chosen)  # type: ignore[arg-type]

    held[0].continue_()

    expect(page.locator("#progress-words")).to_have_text("2 of 2 stored")
    expect(card(page, "first.jpg")).to_have_count(1)
    expect(card(page, "second.jpg")).to_have_count(1)


def test_a_folder_gives_its_pictures_and_counts_the_rest(
    running: System, open_page: OpenPage, tmp_path: Path
) -> None:
    (tmp_path / "trip/day 2").mkdir(parents=True)
    (tmp_path / "trip/one.jpg").write_bytes(_SMALL)
    (tmp_path / "trip/day 2/two.jpg").write_bytes(_SMALL)
    (tmp_path / "trip/notes.txt").write_text("x")
    page = open_page(running)

    page.set_input_files("#choose-folder", tmp_path / "trip")

    expect(page.locator("#progress-words")).to_have_text(
        "2 of 2 stored · 1 file skipped: not pictures"
    )
    expect(card(page, "two.jpg")).to_have_attribute("data-state", "stored")


_DROP_A_FOLDER = """() => {
    const file = (path) => ({
        isFile: true,
        fullPath: path,
        file: (found) => found(new File(["no picture"], "one.jpg", { type: "image/jpeg" })),
    });
    const folder = (path, ...entries) => ({
        isDirectory: true,
        fullPath: path,
        createReader: () => ({ readEntries: (found) => found(entries.splice(0)) }),
    });
    const trip = folder("/trip", folder("/trip/day 1", file("/trip/day 1/one.jpg")),
        folder("/trip/day 2", file("/trip/day 2/one.jpg")));
    const item = { kind: "file", webkitGetAsEntry: () => trip, getAsFile: () => null };
    const event = new Event("drop", { bubbles: true, cancelable: true });
    event.dataTransfer = { types: ["Files"], items: [item] };
    document.body.dispatchEvent(event);
}"""


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_pictures_of_one_name_are_told_apart_by_their_folders(
    running: System, open_page: OpenPage, tmp_path: Path, way: str
) -> None:
    page = open_page(running, failing=True)

    if way == "dropped":
        page.evaluate(_DROP_A_FOLDER)
    else:
        for day in ("day 1", "day 2"):
            (tmp_path / "trip" / day).mkdir(parents=True)
            (tmp_path / "trip" / day / "one.jpg").write_bytes(b"no picture")
        page.set_input_files("#choose-folder", tmp_path / "trip")

    for day in ("day 1", "day 2"):
        mine = page.locator("#cards .card").filter(has_text=f"trip/{day}/")
        expect(mine).to_have_attribute("data-state", "refused")
        expect(mine.locator("bdi")).to_have_text([f"trip/{day}/", "one.jpg"])
        expect(mine.get_by_title(f"trip/{day}/")).to_be_visible()
        expect(mine.get_by_role("button", name=f"Dismiss trip/{day}/one.jpg")).to_be_visible()
    screenshot(page, "folders")


def test_a_pasted_picture_gets_a_name(running: System, open_page: OpenPage) -> None:
    page = open_page(running)
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(80, 60);
            canvas.getContext("2d").fillRect(0, 0, 40, 60);
            const picture = await canvas.convertToBlob();
            const file = new File([picture], "image.png", { type: "image/png" });
            const data = new DataTransfer();
            data.items.add(file);
            document.body.dispatchEvent(
                new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }"""
    )

    expect(page.locator("#progress-words")).to_have_text("1 of 1 stored")
    expect(page.locator("#cards .name").first).to_contain_text("pasted 20")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"),
        ("evil\u202egpj.exe.jpg", "evilgpj.exe.jpg"),
    ],
)
def test_a_hostile_name_is_text(
    running: System, open_page: OpenPage, name: str, shown: str
) -> None:
    page = open_page(running)
    page.on("dialog", lambda dialog: pytest.fail(f"it ran: {dialog.message}"))

    drop(page, [(name, _SMALL)])

    expect(page.locator("#progress-words")).to_have_text("1 of 1 stored")
    shown_card = card(page, shown).first
    expect(shown_card).to_have_attribute("data-state", "stored")
    assert shown_card.locator("img").count() == 1
    shown_card.locator("a.open").click()
    expect(page.locator("#compare-title")).to_have_text(shown)


def test_a_page_opened_again_in_the_middle_tells_the_same(
    running: System, open_page: OpenPage
) -> None:
    page = open_page(running)
    with without(running, WORKER, SIMULATED_LATENCY="20-20"):
        drop(page, scenes(6))
        expect(page.locator("#cards .card[data-state=watermarking]").first).to_be_visible()
        unsent = page.locator("#cards .card:is([data-state=waiting], [data-state=sending])")
        expect(unsent).to_have_count(0)
        expect(page.locator("#cards .card[data-state=queued]").first).to_be_visible()
        screenshot(page, "moving")

        page.reload()

        mine = page.locator("#cards .card:nth-child(-n + 6)")
        expect(page.locator("#cards .card[data-state=queued]").first).to_be_visible()
        assert sorted(mine.locator(".name").all_text_contents()) == sorted(
            name for name, _ in scenes(6)
        )
    for number in range(6):
        expect(mine.nth(number)).to_have_attribute("data-state", "stored")
    expect(page.locator("#progress")).to_be_hidden()


def _cut(route: Route) -> None:
    route.abort()


def _answer_lost(route: Route) -> None:
    route.fetch()
    route.abort()


def _overloaded(route: Route) -> None:
    body = '{"status": 503, "code": "overloaded", "detail": "Too much to do."}'
    headers = {"Retry-After": "2", "Content-Type": "application/problem+json"}
    route.fulfill(status=503, headers=headers, body=body)


@pytest.mark.parametrize("trouble", [_cut, _answer_lost, _overloaded])
def test_an_upload_that_met_trouble_is_sent_again_and_stays_one_picture(
    running: System, open_page: OpenPage, trouble: Callable[[Route], None]
) -> None:
    page = open_page(running, failing=True)
    keys: list[str | None] = []
    page.on("request", lambda request: keys.append(request.headers.get("idempotency-key")))
    page.route("**/media?profile=*", trouble, times=1)
    before = len(running.http.get("/media?limit=500").json()["items"])

    said = remember(page, "#cards .card[data-state=delayed] .state")
    drop(page, [(f"{trouble.__name__}.jpg", scene(1))])

    # Also where the server has taken it and tells so in its events.
    expect(card(page, f"{trouble.__name__}.jpg")).to_have_count(1)
    expect(page.locator("#progress-words")).to_have_text("1 of 1 stored")
    assert "waiting, trying again in" in said()
    used = [key for key in keys if key]
    assert len(used) == 2
    assert len(set(used)) == 1
    assert len(running.http.get("/media?limit=500").json()["items"]) == before + 1


def test_thousands_of_files_do_not_fill_the_page(running: System, open_page: OpenPage) -> None:
    page = open_page(running)
    page.route("**/media?profile=*", lambda _: None)
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            for (let n = 0; n < 3000; n += 1)
                transfer.items.add(new File(["x"], `${n}.jpg`, { type: "image/jpeg" }));
            document.body.dispatchEvent(
                new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        }"""
    )

    expect(page.locator("#progress-words")).to_contain_text("0 of 3,000 stored")
    expect(page.locator("#more-waiting")).to_have_text("2,988 more files waiting")
    assert page.locator("#cards .card").count() < 100
    page.get_by_role("button", name="Cancel unsent files").click()
    expect(page.locator("#progress")).to_be_hidden()


def test_the_end_of_each_of_thousands_is_told_before_it_is_forgotten(
    running: System, open_page: OpenPage
) -> None:
    page = open_page(running)
    told = page.evaluate(
        """async () => {
            const { MediaStore } = await import("/web/media.js");
            const store = new MediaStore();
            const ended = new Set();
            store.addEventListener("change", () => {
                for (const { id, status } of store.items.values())
                    if (status === "stored") ended.add(id);
            });
            const at = new Date().toISOString();
            const ids = Array.from({ length: 3000 }, (_, n) => String(n).padStart(4, "0"));
            store.apply(ids.map((id) => ({ id, at, status: "queued" })));
            while (ids.length)
                store.apply(ids.splice(0, 100).map((id) => ({ id, at, status: "stored" })));
            return [ended.size, store.items.size];
        }"""
    )

    assert told[0] == 3000
    assert told[1] < 3000
