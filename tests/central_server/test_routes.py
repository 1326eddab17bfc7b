"""The central server's API, over real HTTP."""

import hashlib
import re
import signal

import httpx2
import pytest

from media_processor.harness.machine import CENTRAL
from media_processor.harness.ports import free_port
from media_processor.ids import new_media_id
from media_processor.images.logo import bundled_logo_path
from media_processor.messages.archive import ActivityPage, StoredMedia, StoredPage
from media_processor.messages.base import Problem, Readiness
from media_processor.messages.media import Receipt
from tests.system import System

UNKNOWN = "01a20a66-a48f-7ad5-bb5f-000000000000"


@pytest.fixture(scope="module")
def central(running: System) -> httpx2.Client:
    return running.central


def send(
    central: httpx2.Client,
    content: bytes = b"picture",
    filename: str = "watermarked_a.jpg",
    **fields: str,
) -> httpx2.Response:
    data = {"worker_name": "worker-1"} | fields
    return central.post(
        "/upload-final", data=data, files={"file": (filename, content, "image/jpeg")}
    )


def problem(answer: httpx2.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.content)
    assert found.status == answer.status_code
    return found


def test_an_old_client_sends_only_file_and_worker_name(
    running: System, central: httpx2.Client
) -> None:
    answer = send(central)

    assert answer.status_code == 201
    receipt = Receipt.model_validate_json(answer.content)
    assert re.fullmatch(
        rf"central_storage/\d{{4}}/\d\d/\d\d/{receipt.media_id}/watermarked_a\.jpg",
        receipt.stored_path,
    )
    assert (running.data / receipt.stored_path).read_bytes() == b"picture"
    assert receipt.sha256 == hashlib.sha256(b"picture").hexdigest()
    assert re.fullmatch(
        r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] WORKER: worker-1 \| IMAGE: watermarked_a\.jpg",
        running.log_lines()[-1],
    )


def test_the_same_media_again_gives_the_same_receipt(
    running: System, central: httpx2.Client
) -> None:
    media_id = new_media_id()
    first = send(central, media_id=media_id)
    lines = len(running.log_lines())
    again = send(central, media_id=media_id)

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(running.log_lines()) == lines


def test_the_same_media_with_other_bytes_is_a_conflict(central: httpx2.Client) -> None:
    media_id = new_media_id()
    send(central, media_id=media_id)
    answer = send(central, b"other", media_id=media_id)
    assert (answer.status_code, problem(answer).code) == (409, "media_conflict")


@pytest.mark.parametrize(
    ("fields", "content", "status", "code"),
    [
        ({"worker_name": ""}, b"picture", 400, "missing_part"),
        ({"media_id": "../../x"}, b"picture", 422, "invalid_field"),
        ({"sha256": "zz"}, b"picture", 422, "invalid_field"),
        ({"sha256": "0" * 64}, b"picture", 422, "digest_mismatch"),
        ({}, b"", 400, "empty_file"),
    ],
)
def test_what_is_refused(
    running: System,
    central: httpx2.Client,
    fields: dict[str, str],
    content: bytes,
    status: int,
    code: str,
) -> None:
    before = len(running.stored_files())
    answer = send(central, content, **fields)
    assert (answer.status_code, problem(answer).code) == (status, code)
    assert len(running.stored_files()) == before
    assert running.temporary_files() == []


def test_a_stored_picture_can_be_had_back(central: httpx2.Client) -> None:
    receipt = Receipt.model_validate_json(send(central, b"mine", "grün.png").content)

    media = StoredMedia.model_validate_json(central.get(f"/media/{receipt.media_id}").content)
    assert (media.filename, media.content_type) == ("grün.png", "image/png")
    file = central.get(f"/media/{receipt.media_id}/file")
    assert file.content == b"mine"
    assert file.headers["content-type"] == "image/png"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "gr%C3%BCn.png" in file.headers["content-disposition"]


def test_an_owner_is_kept_and_shown_and_changes_no_log_line(
    running: System, central: httpx2.Client
) -> None:
    unnamed = send(central).json()["media_id"]
    owned = send(central, owner="anna@example.org").json()["media_id"]
    assert central.get(f"/media/{unnamed}").json()["owner"] == "main"
    assert central.get(f"/media/{owned}").json()["owner"] == "anna@example.org"
    assert central.get("/media?limit=1").json()["items"][0]["owner"] == "anna@example.org"
    assert running.log_lines()[-1].endswith("] WORKER: worker-1 | IMAGE: watermarked_a.jpg")


@pytest.mark.parametrize("owner", ["", " ", "a|b", "a/b", "a\nb", "a\u202e", "x" * 201])
def test_an_owner_that_would_have_to_be_changed_is_refused(
    central: httpx2.Client, owner: str
) -> None:
    answer = send(central, owner=owner)
    assert (answer.status_code, problem(answer).code) == (422, "invalid_field")
    assert "owner" in problem(answer).detail


def test_the_owner_in_the_record_of_the_spool_reaches_the_archive(system: System) -> None:
    system.start("fast-server")
    system.start("central-server")
    system.wait_healthy()
    media_id = system.upload(bundled_logo_path().read_bytes(), "a.png").id
    (record,) = system.open_records()
    record.write_text(record.read_text().replace('"owner":"main"', '"owner":"anna"'))
    system.start("worker-server")
    system.wait_for(media_id, "stored")
    assert system.central.get(f"/media/{media_id}").json()["owner"] == "anna"


def test_what_is_no_picture_by_name_is_served_as_plain_bytes(central: httpx2.Client) -> None:
    receipt = Receipt.model_validate_json(send(central, b"<script>", "x.html").content)
    file = central.get(f"/media/{receipt.media_id}/file")
    assert file.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "path", ["/media/x", "/media/01a20a66-a48f-7ad5-bb5f-000000000000", "/media/x/file"]
)
def test_what_is_not_stored_is_not_found(central: httpx2.Client, path: str) -> None:
    answer = central.get(path)
    assert (answer.status_code, problem(answer).code) == (404, "media_not_found")


def test_the_archive_lists_newest_first_by_pages(central: httpx2.Client) -> None:
    sent = [send(central).json()["media_id"] for _ in range(3)]
    first = StoredPage.model_validate_json(central.get("/media?limit=2").content)
    second = StoredPage.model_validate_json(
        central.get(f"/media?limit=2&cursor={first.next}").content
    )
    listed = [item.media_id for item in (*first.items, *second.items)]
    assert listed[:3] == sorted(sent, reverse=True)
    assert central.get("/media?cursor=x").status_code == 422


@pytest.mark.parametrize(
    "worker",
    [
        "worker-1\n[2026-01-01 00:00:00] WORKER: forged | IMAGE: forged.jpg",
        "worker-1 | IMAGE: forged.jpg",
        "worker-1\r\x1b[2K\u2028\u202e",
    ],
)
def test_no_name_can_forge_a_log_line(running: System, central: httpx2.Client, worker: str) -> None:
    before = running.log_lines()
    receipt = send(central, filename="x\n[2026] WORKER: f | IMAGE: f.jpg", worker_name=worker)
    assert receipt.status_code == 201

    added = running.log_lines()[len(before) :]
    assert len(added) == 1
    assert added[0].isprintable()
    newest = ActivityPage.model_validate_json(central.get("/activity?limit=1").content).lines[0]
    assert "|" not in newest.worker
    assert newest.image == "x[2026] WORKER: f | IMAGE: f.jpg"


def test_it_tells_how_it_is(central: httpx2.Client) -> None:
    assert central.get("/health").json() == {"status": "ok"}
    ready = Readiness.model_validate_json(central.get("/ready").content)
    assert ready.ready
    assert set(ready.checks) == {"storage", "disk", "catalogue"}


@pytest.mark.parametrize("fault", ["key", "second", "old catalogue"])
def test_an_archive_that_can_not_be_used_is_one_line(system: System, fault: str) -> None:
    system.start("central-server")
    system.wait_central()
    files = {"file": ("a.jpg", b"x")}
    system.central.post("/upload-final", data={"worker_name": "w"}, files=files)
    if fault != "second":
        system.kill("central-server", signal.SIGTERM)
    if fault == "key":
        (system.data / "audit_key.pem").write_text("no key")
    if fault == "old catalogue":
        (system.data / "catalogue.sqlite").unlink()
    system.start("central-server", "again", CENTRAL_SERVER_PORT=str(free_port()))
    assert system.processes["again"].wait(20) == 1
    words = {
        "key": "AUDIT_KEY",
        "second": "Another central",
        "old catalogue": "older than the activity log",
    }
    said = system.log("again").splitlines()
    assert said[-1].startswith("media-processor: ")
    assert words[fault] in said[-1]
    assert "Traceback" not in system.log("again")


@pytest.mark.slow
def test_nothing_is_taken_without_room(system: System) -> None:
    system.start(CENTRAL, MIN_FREE_BYTES=str(10**18))
    system.wait_central()
    refused = problem(send(system.central))
    assert (refused.status, refused.code) == (507, "storage_full")
    assert not system.stored_files()
