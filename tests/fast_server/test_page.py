"""``GET /`` and ``GET /limits``: what a browser gets before anything is sent."""

import pytest

from media_processor.formats import FORMATS
from media_processor.harness.waiting import wait_until
from media_processor.messages.fast_server import Throughput, UploadLimits
from tests.images.pictures import encoded, photo
from tests.system import System


@pytest.fixture(scope="module")
def limits(running: System) -> UploadLimits:
    return UploadLimits.model_validate_json(running.http.get("/limits").content)


@pytest.mark.parametrize("path", ["/", "/web/index.html"])
def test_the_page_runs_only_what_is_its_own(running: System, path: str) -> None:
    answer = running.http.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_part_that_is_unchanged_is_not_sent_again(running: System) -> None:
    tag = running.http.get("/web/index.html").headers["etag"]

    again = running.http.get("/web/index.html", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/web/", "/web/nothing.js", "/web/../main.py", "/web/%2e%2e/main.py", "/web/..%2fmain.py"],
)
def test_nothing_else_can_be_read(running: System, path: str) -> None:
    answer = running.http.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_the_limits_are_those_of_uploads(limits: UploadLimits) -> None:
    assert limits.max_upload_bytes == 50 * 1024 * 1024
    assert list(limits.content_types) == [each.content_type for each in FORMATS]
    assert limits.content_types["image/jpeg"] == (".jpg", ".jpeg")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"no picture", "unsupported_picture"),
        (b"\0" * (50 * 1024 * 1024 + 1), "upload_too_large"),
    ],
)
def test_a_page_can_say_what_the_server_would(
    running: System, limits: UploadLimits, content: bytes, code: str
) -> None:
    told = running.post(content).json()

    assert (told["code"], told["detail"]) == (code, limits.refusals[code])


def test_the_throughput_counts_what_was_finished(running: System) -> None:
    def finished() -> int:
        answer = Throughput.model_validate_json(running.http.get("/throughput").content)
        assert (answer.seconds, len(answer.finished)) == (5, 60)
        return sum(answer.finished)

    before = finished()
    for _ in range(3):
        running.wait_for(running.upload(encoded(photo((64, 48)), "JPEG")).id, "stored")

    wait_until(lambda: finished() == before + 3, "three more are counted")
