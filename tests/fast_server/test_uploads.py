"""``POST /media``: what is taken, what is refused, and what is left behind: nothing."""

import hashlib
import os
import resource
import socket
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest

from media_processor.harness.waiting import wait_until
from media_processor.ids import is_media_id
from media_processor.images.profile import DEFAULT
from media_processor.messages.base import Problem
from tests import raw
from tests.images.pictures import encoded, photo
from tests.system import System, running_system

JPEG = encoded(photo((64, 48)), "JPEG")
_LIMIT = 1_000_000


@pytest.fixture(scope="module")
def fast_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("fast-server")) as system:
        system.environment |= {
            "MAX_UPLOAD_BYTES": str(_LIMIT),
            "MAX_PIXELS": "1000000",
            "PUBLIC_URL": "https://media.example.com/desk/",
        }
        system.start_all()
        yield system


@pytest.fixture(autouse=True)
def nothing_left_behind(fast_server: System) -> Iterator[None]:
    """Whatever a test sent: no temporary file stays, and the next upload works."""
    yield
    wait_until(lambda: not fast_server.temporary_files(), "no temporary file is left")
    media = fast_server.upload(JPEG)
    fast_server.wait_for(media.id, "stored")
    wait_until(lambda: not fast_server.open_records(), "the spool drains")


def refused(fast_server: System, answer: httpx2.Response, status: int, code: str) -> Problem:
    """The problem document, after a look that nothing was taken in."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.content)
    assert (problem.code, problem.status) == (code, status)
    assert problem.detail.endswith((".", "URL"))
    assert not fast_server.open_records()
    return problem


def test_a_picture_is_accepted(fast_server: System) -> None:
    answer = fast_server.post(JPEG, "Ferien 🏖️.jpg")

    assert answer.status_code == 202
    media = answer.json()
    assert is_media_id(media["id"])
    assert answer.headers["location"] == f"/media/{media['id']}"
    assert media == {
        "id": media["id"],
        "filename": "Ferien 🏖️.jpg",
        "size": len(JPEG),
        "sha256": hashlib.sha256(JPEG).hexdigest(),
        "content_type": "image/jpeg",
        "status": "queued",
        "profile": "default",
        "profile_digest": DEFAULT.digest,
        "links": {
            "self": f"/media/{media['id']}",
            "original": f"/media/{media['id']}/original",
            "watermarked": f"/media/{media['id']}/watermarked",
            "events": f"/media/{media['id']}/events",
        },
    }


def test_the_bytes_decide_what_a_file_is(fast_server: System) -> None:
    png = encoded(photo((8, 8)), "PNG")
    answer = fast_server.post(png, "photo.jpg", "image/jpeg")
    assert answer.json()["content_type"] == "image/png"


def test_any_part_order_and_no_declared_type(fast_server: System) -> None:
    content = raw.body(
        raw.part(b'; name="profile"', b"default"),
        raw.part(b'; name="file"; filename="a.jpg"', JPEG),
    )
    assert (
        fast_server.http.post("/media", content=content, headers=raw.headers()).status_code == 202
    )


@pytest.mark.parametrize(
    ("content", "filename", "kind", "status", "code"),
    [
        (b"", "empty.jpg", "image/jpeg", 400, "empty_file"),
        (b"just some text", "text.jpg", "image/jpeg", 415, "unsupported_picture"),
        (b"%PDF-1.7\n" * 99, "paper.png", "image/png", 415, "unsupported_picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.png", "image/png", 415, None),
        (b"\xff\xd8\xff", "stub.jpg", "image/jpeg", 422, "broken_picture"),
        (JPEG, "photo.jpg", "application/pdf", 415, "unsupported_picture"),
    ],
)
def test_what_is_no_picture_is_refused(
    fast_server: System, content: bytes, filename: str, kind: str, status: int, code: str | None
) -> None:
    answer = fast_server.post(content, filename, kind)
    refused(fast_server, answer, status, code or "unsupported_picture")


def test_too_many_pixels_are_refused_with_the_figures(fast_server: System) -> None:
    answer = fast_server.post(encoded(photo((8, 8)).resize((2000, 1000)), "PNG"))
    problem = refused(fast_server, answer, 422, "too_many_pixels")
    assert "1,000,000" in problem.detail


def test_an_unknown_profile_is_refused(fast_server: System) -> None:
    answer = fast_server.post(JPEG, data={"profile": "gold"})
    assert "default" in refused(fast_server, answer, 422, "unknown_profile").detail


def test_the_link_of_a_stored_picture_begins_with_the_public_url(fast_server: System) -> None:
    media = fast_server.wait_for(fast_server.upload(JPEG).id, "stored")
    assert media.result
    public = "https://media.example.com/desk/"
    assert media.result.link == f"{public}archive/{media.id}/file"
    link = media.result.link.removeprefix(public)
    assert fast_server.http.get(link).headers["content-type"] == "image/jpeg"


def test_an_unknown_field_is_refused(fast_server: System) -> None:
    refused(fast_server, fast_server.post(JPEG, data={"colour": "red"}), 422, "invalid_field")


def test_a_request_of_another_type_is_refused(fast_server: System) -> None:
    answer = fast_server.http.post("/media", json={"file": "photo.jpg"})
    refused(fast_server, answer, 415, "not_multipart")


def test_a_form_without_a_file_is_refused(fast_server: System) -> None:
    for content in (b"small", JPEG * 20):
        answer = fast_server.http.post("/media", files={"picture": ("a.jpg", content)})
        refused(fast_server, answer, 400, "missing_part")
        assert "It has a file in 'picture'; rename that part." in answer.json()["detail"]
    text = raw.body(raw.part(b'; name="file"', JPEG))
    answer = fast_server.http.post("/media", content=text, headers=raw.headers())
    refused(fast_server, answer, 400, "missing_part")


def test_two_files_are_refused(fast_server: System) -> None:
    files = [("file", ("a.jpg", JPEG)), ("file", ("b.jpg", JPEG))]
    refused(fast_server, fast_server.http.post("/media", files=files), 400, "duplicate_part")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no multipart at all",
        raw.part(b'; name="file"; filename="a.jpg"', JPEG),  # no closing boundary
        raw.body(raw.part(b"", JPEG)),  # no name
        raw.body(*(raw.part(f'; name="{n}"'.encode()) for n in range(20))),
        raw.body(raw.part(b'; name="file"; filename="' + b"x" * 50_000 + b'"', JPEG)),
    ],
)
def test_a_malformed_form_is_refused(fast_server: System, content: bytes) -> None:
    answer = fast_server.http.post("/media", content=content, headers=raw.headers())
    refused(fast_server, answer, 400, "malformed_upload")


def test_a_form_without_a_boundary_is_refused(fast_server: System) -> None:
    answer = fast_server.http.post(
        "/media", content=b"x", headers={"Content-Type": "multipart/form-data"}
    )
    refused(fast_server, answer, 400, "malformed_upload")


def test_a_long_field_is_refused(fast_server: System) -> None:
    refused(fast_server, fast_server.post(JPEG, data={"profile": "x" * 9999}), 422, "invalid_field")


def test_a_file_over_the_limit_is_refused_by_its_announced_length(fast_server: System) -> None:
    answer = fast_server.post(b"\xff\xd8\xff" + b"x" * (2 * _LIMIT))
    assert f"{_LIMIT:,}" in refused(fast_server, answer, 413, "upload_too_large").detail


def test_a_refusal_is_heard_by_who_is_still_sending(fast_server: System) -> None:
    refused(
        fast_server, raw.answer_to_much(f"{fast_server.fast_url}/media"), 413, "upload_too_large"
    )


def test_who_asks_before_sending_is_refused_at_once(fast_server: System) -> None:
    head = "POST /media HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n"
    head += f"Content-Type: {raw.headers()['Content-Type']}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", fast_server.fast_port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_file_just_over_the_limit_is_refused(fast_server: System) -> None:
    answer = fast_server.post(b"\xff\xd8\xff" + b"x" * (_LIMIT - 2))
    refused(fast_server, answer, 413, "upload_too_large")


def test_an_endless_chunked_body_is_cut_off_at_the_limit(fast_server: System) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield raw.part(b'; name="file"; filename="a.jpg"')[:-2]
        for _ in range(2000):
            sent += 64 * 1024
            yield b"x" * 64 * 1024

    answer = raw.post_chunked(fast_server.fast_port, "/media", pieces())
    assert b" 413 " in answer
    assert b"upload_too_large" in answer
    assert sent < 20 * _LIMIT  # eight times the limit, and what fits into the buffers


def test_an_endless_epilogue_is_cut_off(fast_server: System) -> None:
    def pieces() -> Iterator[bytes]:
        yield raw.body(raw.part(b'; name="file"; filename="a.jpg"', JPEG))
        for _ in range(500):
            yield b"x" * 64 * 1024

    answer = raw.post_chunked(fast_server.fast_port, "/media", pieces())
    assert b" 413 " in answer


def test_a_client_that_goes_away_leaves_nothing(fast_server: System) -> None:
    with socket.create_connection(("127.0.0.1", fast_server.fast_port)) as connection:
        head = "POST /media HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n"
        head += f"Content-Type: {raw.headers()['Content-Type']}\r\n\r\n"
        connection.sendall(head.encode() + raw.part(b'; name="file"; filename="a.jpg"', JPEG))
        wait_until(fast_server.temporary_files, "the fast server writes the file")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"../../../etc/cron.d/x.jpg", "x.jpg"),
        (b"..\\\\..\\\\x.jpg", "x.jpg"),
        (b"nul\x00 and\nline.jpg", "nul andline.jpg"),
        (b"x" * 5000 + b".jpg", "x" * 196 + ".jpg"),
        ("🐈‍⬛.jpg".encode(), "🐈‍⬛.jpg"),
        ("\u202egpj.exe".encode(), "gpj.exe"),
        (b"\xff\xfe.jpg", "��.jpg"),
        (b"", "picture"),
        (b"a%22b%0D%0Ac%20d%2522.jpg", "a'bc%20d%2522.jpg"),  # as browsers escape
    ],
)
def test_hostile_file_names(fast_server: System, sent: bytes, kept: str) -> None:
    content = raw.body(raw.part(b'; name="file"; filename="' + sent + b'"', JPEG))
    answer = fast_server.http.post("/media", content=content, headers=raw.headers())
    assert answer.status_code == 202
    media = answer.json()
    assert media["filename"] == kept
    stored = fast_server.wait_for(media["id"], "stored")
    assert stored.result
    assert (fast_server.data / stored.result.stored_path).name == f"watermarked_{kept}"


class TestIdempotency:
    def test_the_same_key_gives_the_same_media(self, fast_server: System) -> None:
        headers = {"Idempotency-Key": "order-1"}
        first = fast_server.upload(JPEG, headers=headers)
        again = fast_server.upload(JPEG, headers=headers)
        assert first.id == again.id
        fast_server.wait_for(first.id, "stored")
        assert fast_server.upload(JPEG, headers=headers).status == "stored"

    def test_other_bytes_are_a_conflict(self, fast_server: System) -> None:
        headers = {"Idempotency-Key": "order-2"}
        fast_server.wait_for(fast_server.upload(JPEG, headers=headers).id, "stored")
        wait_until(lambda: not fast_server.open_records(), "the spool drains")
        answer = fast_server.post(encoded(photo((9, 9)), "PNG"), headers=headers)
        refused(fast_server, answer, 409, "idempotency_conflict")

    @pytest.mark.parametrize("key", ["", "x" * 300, "a b"])
    def test_a_key_that_can_not_be_used(self, fast_server: System, key: str) -> None:
        answer = fast_server.post(JPEG, headers={"Idempotency-Key": key})
        refused(fast_server, answer, 422, "invalid_field")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux has it")
def test_too_many_open_files_are_no_internal_error(fast_server: System) -> None:
    pid = fast_server.processes["fast-server"].pid
    assert fast_server.http.get("/health").status_code == 200  # its connection stays open
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    first_free = next(number for number in count() if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (first_free, limits[1]))
    try:
        answer = fast_server.post(JPEG)
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    refused(fast_server, answer, 503, "storage_failing")


def test_a_truncated_jpeg_is_taken_and_then_fails_with_a_reason(fast_server: System) -> None:
    """Only decoding can tell."""
    whole = encoded(photo((300, 200)), "JPEG")
    media = fast_server.upload(whole[: len(whole) // 2])
    failed = fast_server.wait_for(media.id, "failed")
    assert failed.error
    assert failed.error.code == "broken_picture"
    assert failed.attempts["watermark"] == 1
    assert fast_server.http.get(failed.links.original).content == whole[: len(whole) // 2]
    listed: Any = fast_server.http.get("/media?status=failed").json()
    assert media.id in [item["id"] for item in listed["items"]]
