"""What browsers send for another site is refused, and what they make of answers bounded."""

import socket

import pytest
from fastapi.responses import JSONResponse
from httpx2 import Response
from starlette.testclient import TestClient

from media_processor.errors import SetupError
from media_processor.http.browsers import BrowserGuard
from media_processor.messages.base import Problem
from media_processor.settings import FastServerSettings, read
from tests.images.pictures import encoded, photo
from tests.system import System

UNSAFE = ("/media", "/media/{id}/retry", "/archive/zip", "/preview")


@pytest.fixture(params=["fast", "central"])
def url(request: pytest.FixtureRequest, running: System) -> str:
    return running.fast_url if request.param == "fast" else running.central_url


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"],
)
def test_a_name_that_is_not_the_servers(running: System, url: str, host: str) -> None:
    refused(running.http.get(f"{url}/health", headers={"Host": host}), 421, "unknown_host")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "desk.localhost",
        "127.0.0.1",
        "10.1.2.3:80",
        "[::1]:8000",
        "host.docker.internal:8003",
    ],
)
def test_names_of_this_machine(running: System, url: str, host: str) -> None:
    assert running.http.get(f"{url}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_page_of_another_site_changes_nothing(running: System, headers: dict[str, str]) -> None:
    for path in UNSAFE:
        answer = running.http.post(path, headers=headers)
        refused(answer, 403, "cross_site_request")


def test_the_own_page_may(running: System) -> None:
    own = running.fast_url
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": own}):
        answer = running.http.post("/media", headers=headers)
        assert answer.status_code == 415, answer.text  # no form


def test_no_browser_delivers(running: System) -> None:
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": running.central_url}):
        answer = running.http.post(f"{running.central_url}/upload-final", headers=headers)
        refused(answer, 403, "cross_site_request")
    with_none = running.http.post(f"{running.central_url}/upload-final")
    assert with_none.status_code == 415, with_none.text


def test_no_redirect_to_whatever_host_was_sent(running: System, url: str) -> None:
    assert running.http.get(f"{url}/media/").status_code == 404


def refused(answer: Response, status: int, code: str) -> None:
    problem = Problem.model_validate_json(answer.content)
    assert (answer.status_code, problem.code) == (status, code)


ALLOWED = ("media.example.com", "*.Desk.example")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("media.example.com", 200),
        ("media.example.com.", 200),
        ("a.desk.example:8000", 200),
        ("a.b.desk.example", 200),
        ("public.example", 200),
        (socket.gethostname(), 200),
        ("desk.example", 421),
        ("a.media.example.com", 421),
        ("evildesk.example", 421),
        ("", 200),  # HTTP/1.0; no browser speaks it
    ],
)
def test_names_that_are_set(host: str, status: int) -> None:
    assert ask("GET", Host=host) == status


def test_a_proxy_may_use_another_name() -> None:
    own = {"Host": "127.0.0.1:8000", "Origin": "https://public.example"}
    assert ask("POST", **own) == 200
    assert ask("POST", **own | {"Origin": "https://media.example.com"}) == 403


def test_an_origin_that_is_no_url() -> None:
    assert ask("POST", Host="localhost", Origin="http://[") == 403


def ask(method: str, **headers: str) -> int:
    checked = BrowserGuard(
        JSONResponse({}),
        hosts=ALLOWED,
        public_url="https://public.example/desk",
        not_for_browsers=(),
    )
    return TestClient(checked).request(method, "/", headers=headers).status_code


@pytest.mark.parametrize("value", ["http://x.example", "x.example:80", "*", "a.*.example", "a b"])
def test_what_is_no_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", value)
    with pytest.raises(SetupError, match="ALLOWED_HOSTS"):
        read(FastServerSettings)


@pytest.mark.parametrize(
    "path", ["/health", "/media", "/nowhere", "/openapi.json", "/upload-final"]
)
def test_every_answer_is_only_what_it_says(running: System, url: str, path: str) -> None:
    answer = running.http.get(f"{url}{path}")
    assert guarded(answer), answer.headers
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


def test_so_is_every_file(running: System, stored: str) -> None:
    files = ["original", "watermarked", "thumbnail"]
    for path in [f"/media/{stored}/{name}" for name in files] + ["/profiles/default/logo"]:
        answer = running.http.get(path)
        assert answer.status_code == 200, path
        assert guarded(answer), path
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    archived = running.http.get(f"{running.central_url}/media/{stored}/file")
    assert guarded(archived)


def test_a_page_keeps_its_own(running: System) -> None:
    page = running.http.get("/")
    assert guarded(page)
    assert "script-src 'self'" in page.headers["content-security-policy"]


def guarded(answer: Response) -> bool:
    headers = answer.headers
    return (headers["x-content-type-options"], headers["cross-origin-resource-policy"]) == (
        "nosniff",
        "same-origin",
    )


@pytest.fixture(scope="module")
def stored(_running: System) -> str:
    sent = _running.upload(encoded(photo((60, 40)), "JPEG"))
    return _running.wait_for(sent.id, "stored").id
