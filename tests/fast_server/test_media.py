"""``GET /media…`` and ``GET /queue``: what is told of a picture and of the system."""

import gzip
import signal
from pathlib import Path

import pytest

from media_processor.fast_server.system import _logo_file
from media_processor.harness.waiting import wait_until
from media_processor.images.logo import bundled_logo_path
from media_processor.messages.base import Problem, Readiness
from media_processor.messages.media import MediaPage, MediaStatus
from tests.images.pictures import encoded, opened, photo
from tests.system import System

JPEG = encoded(photo((640, 480)), "JPEG")


@pytest.fixture(scope="module")
def stored(running: System) -> MediaStatus:
    return running.wait_for(running.upload(JPEG, "Strand.jpg").id, "stored")


def test_a_stored_media_tells_its_whole_story(running: System, stored: MediaStatus) -> None:
    assert [step.step for step in stored.steps] == [
        "accepted",
        "watermarking",
        "watermarked",
        "uploading",
        "stored",
    ]
    assert [step.at for step in stored.steps] == sorted(step.at for step in stored.steps)
    assert stored.worker == "worker-1"
    assert stored.attempts.root == {"watermark": 1, "upload": 1}
    assert (stored.width, stored.height) == (640, 480)
    assert stored.error is None
    assert stored.result
    path = running.data / stored.result.stored_path
    assert path.name == "watermarked_Strand.jpg"
    assert path.stat().st_size == stored.result.size
    assert running.central.get(stored.result.link).content == path.read_bytes()


def test_it_is_said_whose_picture_it_is(running: System, stored: MediaStatus) -> None:
    assert running.http.get(f"/media/{stored.id}").json()["owner"] == "main"


def test_original_and_result_can_be_had(running: System, stored: MediaStatus) -> None:
    original = running.http.get(stored.links.original)
    assert original.content == JPEG
    assert original.headers["x-content-type-options"] == "nosniff"
    assert original.headers["content-type"] == "image/jpeg"

    assert stored.result
    watermarked = running.http.get(stored.links.watermarked)
    assert watermarked.content == (running.data / stored.result.stored_path).read_bytes()
    assert opened(watermarked.content).size == (640, 480)
    assert watermarked.headers["content-type"] == "image/jpeg"


def test_events_follow_a_picture_to_its_end(running: System) -> None:
    media = running.upload(JPEG)
    with running.http.stream("GET", media.links.events) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = [
            MediaStatus.model_validate_json(line.removeprefix("data: "))
            for line in answer.iter_lines()
            if line.startswith("data: ")
        ]
    assert seen[-1].status == "stored"
    assert len(seen) == len({status.model_dump_json() for status in seen})


def test_events_of_a_finished_picture_end_at_once(running: System, stored: MediaStatus) -> None:
    answer = running.http.get(stored.links.events)
    assert answer.text.count("event: status") == 1


def test_event_ids_still_grow_after_more_steps_than_are_kept(
    running: System, stored: MediaStatus
) -> None:
    spool, ids = running.spool(), []
    for _ in range(3):
        for _ in range(50):
            spool.note(stored.id, "stored")
        answer = running.http.get(stored.links.events)
        ids += [int(line.split()[1]) for line in answer.text.splitlines() if "id:" in line[:3]]
    assert ids == sorted(set(ids))
    assert ids[-1] > 150


@pytest.mark.parametrize("path", ["", "/original", "/watermarked", "/events"])
@pytest.mark.parametrize("media_id", ["x", "..%2f..", "01a20a66-a48f-7ad5-bb5f-000000000000"])
def test_an_unknown_media_is_not_found(running: System, media_id: str, path: str) -> None:
    answer = running.http.get(f"/media/{media_id}{path}")
    assert answer.status_code == 404
    assert Problem.model_validate_json(answer.content).code in ("media_not_found", "not_found")


def test_the_list_is_newest_first_and_paged(running: System, stored: MediaStatus) -> None:
    ids = [running.upload(JPEG).id for _ in range(3)]
    for media_id in ids:
        running.wait_for(media_id, "stored")
    page = MediaPage.model_validate_json(running.http.get("/media?limit=2").content)
    rest = MediaPage.model_validate_json(
        running.http.get(f"/media?limit=500&cursor={page.next}&status=stored").content
    )
    listed = [media.id for media in (*page.items, *rest.items)]
    assert listed[:3] == sorted(ids, reverse=True)
    assert stored.id in listed
    assert rest.next is None


@pytest.mark.parametrize("query", ["status=lost", "limit=0", "limit=501", "cursor=x"])
def test_a_bad_query_is_refused(running: System, query: str) -> None:
    answer = running.http.get(f"/media?{query}")
    assert answer.status_code == 422
    assert Problem.model_validate_json(answer.content).code == "invalid_field"


def test_the_queue_tells_depths_and_workers(running: System) -> None:
    wait_until(lambda: running.queue().unfinished == 0, "all is done")
    report = running.queue()
    assert report.queues is not None
    assert set(report.queues) == {"watermark", "upload"}
    assert report.oldest_age_seconds is None
    assert report.workers is not None
    assert [(worker.name, worker.stage) for worker in report.workers] == [
        ("worker-1", "upload"),
        ("worker-1", "watermark"),
    ]


def test_it_tells_how_it_is(running: System) -> None:
    assert running.http.get("/health").json() == {"status": "ok"}
    ready = Readiness.model_validate_json(running.http.get("/ready").content)
    assert ready.ready
    assert set(ready.checks) == {
        "storage",
        "disk",
        "redis",
        "workers",
        "work",
        "picture_processes",
        "central_server",
    }


def test_the_logo_in_use_can_be_had_and_runs_nothing(running: System) -> None:
    answer = running.http.get("/profiles/default/logo")
    assert answer.content == bundled_logo_path().read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert running.http.get("/profiles/none/logo").json()["code"] == "unknown_profile"


def test_a_browser_inflates_a_compressed_logo(tmp_path: Path) -> None:
    (tmp_path / "logo.svgz").write_bytes(gzip.compress(b"<svg/>"))
    answer = _logo_file(tmp_path / "logo.svgz")
    with answer._file:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-type"] == "image/svg+xml"


def test_errors_of_the_framework_are_problem_documents_too(running: System) -> None:
    for answer in (running.http.get("/nothing"), running.http.delete("/media")):
        assert answer.headers["content-type"] == "application/problem+json"
        assert Problem.model_validate_json(answer.content).status == answer.status_code


def test_a_watcher_that_comes_back_is_told_what_is_new(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    media = system.upload(JPEG)
    with system.http.stream("GET", media.links.events) as answer:
        first = next(line for line in answer.iter_lines() if line.startswith("id:"))
    last_id = {"Last-Event-ID": first.removeprefix("id:").strip()}

    with system.http.stream("GET", media.links.events, headers=last_id) as answer:
        system.start("worker-server", "worker-1")
        told = next(line for line in answer.iter_lines() if line.startswith("data:"))

    assert '"status":"queued"' not in told


def test_a_failed_picture_has_no_watermarked_one_and_says_why(running: System) -> None:
    torn = running.wait_for(running.upload(JPEG[: len(JPEG) // 2]).id, "failed")

    for path in ("watermarked", "thumbnail", "difference"):
        answer = running.http.get(f"/media/{torn.id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_ready_yet")
        assert torn.error
        assert (
            answer.json()["detail"]
            == f"The picture failed, so there is no watermarked version: {torn.error.detail}"
        )


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_has_done_well(system: System, sign: int) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()

    for server in system.processes.values():
        server.send_signal(sign)

    assert [server.wait(15) for server in system.processes.values()] == [0, 0]
