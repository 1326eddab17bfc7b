"""``doctor``: what isn't well is found, and what to do about it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from media_processor.images import splice
from tests.cli.shell import run
from tests.system import System

Found = dict[str, tuple[str, str, str]]


@pytest.fixture(scope="module")
def environment(running: System) -> dict[str, str]:
    wait_until(lambda: len(running.queue().workers or ()) == 2, "both halves of the worker live")
    return {**running.environment, "FAST_SERVER_URL": running.fast_url}


def doctor(environment: dict[str, str]) -> tuple[int, Found]:
    """The exit status; by name the state, what was found, and what to do."""
    done = run("doctor", "--json", **environment)
    whole = json.loads(done.stdout)
    assert done.returncode == (0 if whole["ok"] else 1)
    return done.returncode, {
        one["name"]: (one["state"], one["found"], one["to_do"] or "") for one in whole["checks"]
    }


def test_a_system_that_is_well(running: System, environment: dict[str, str]) -> None:
    running.wait_well()
    status, found = doctor(environment)
    assert status == 0
    states = {name: state for name, (state, *_) in found.items()}
    # The tests' Valkey keeps no file.
    assert states.pop("redis persistence") == "warning"
    assert states.pop("native core") == ("ok" if splice.is_installed() else "warning")
    assert set(states.values()) == {"ok"}, found
    assert set(states) >= {
        *("settings", "open files", "redis", "redis eviction", "redis clock", "fast server"),
        *(
            "fast server clock",
            "workers",
            "work",
            "central server",
            "central server clock",
            "storage",
        ),
        *("disk", "profiles", "logo", "picture processes"),
    }
    assert found["redis"][1].startswith("Valkey ")
    assert found["workers"][1] == "worker-1 (upload), worker-1 (watermark)"
    assert f"this shell's MEDIA_DATA_DIR={running.data}" in found["storage"][1]
    assert str(running.data) in found["disk"][1]
    assert found["profiles"][1].endswith("default (WATERMARKS is not set in this shell)")
    assert "this shell's GOOGLE_LOGO=" in found["logo"][1]


def test_a_redis_that_would_drop_jobs(running: System, environment: dict[str, str]) -> None:
    running.valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    running.valkey.client.config_set("appendonly", "yes")
    try:
        status, found = doctor(environment)
    finally:
        running.valkey.client.config_set("maxmemory-policy", "noeviction")
        running.valkey.client.config_set("appendonly", "no")
    assert status == 1
    state, told, to_do = found["redis eviction"]
    assert (state, "allkeys-lru" in told, "noeviction" in to_do) == ("error", True, True)
    assert found["redis persistence"][0] == "ok"


def test_redis_central_server_and_logo_away(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_text("no logo")
    away = {
        "REDIS_URL": f"redis://:sesame@127.0.0.1:{free_port()}/0",
        "CENTRAL_SERVER_URL": f"http://127.0.0.1:{free_port()}/upload-final",
        "GOOGLE_LOGO": str(tmp_path / "logo.png"),
    }
    status, found = doctor(environment | away)
    assert status == 1
    wrong = {name for name, (state, *_) in found.items() if state == "error"}
    assert wrong == {"redis", "central server", "logo"}
    assert "sesame" not in str(found)
    assert "REDIS_HOST" in found["redis"][2]
    assert "CENTRAL_SERVER_URL" in found["central server"][2]
    assert "Set LOGO to" in found["logo"][2]


SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'
TEXT = "<rect width='9' height='9'/><text>A firm</text><image href='logo.png'/>"


def test_an_svg_is_drawn_and_doubts_are_told(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "text.svg").write_text(SVG.format(TEXT))
    (tmp_path / "empty.svg").write_text(SVG.format("<script/>"))
    (tmp_path / "marks.toml").write_text('[empty]\nlogo = "empty.svg"\n')
    logos = {
        "GOOGLE_LOGO": str(tmp_path / "text.svg"),
        "WATERMARKS": str(tmp_path / "marks.toml"),
    }
    status, found = doctor(environment | logos)
    assert status == 1
    state, told, _ = found["logo"]
    assert (state, "convert it to paths" in told, "embed them" in told) == ("warning", True, True)
    assert found["picture processes"][0] == "ok"
    state, told, to_do = found["logo of empty"]
    assert (state, "draws nothing" in told, "Correct the SVG" in to_do) == ("error", True, True)


@pytest.mark.slow
def test_a_redis_that_refuses_us(environment: dict[str, str], running: System) -> None:
    running.valkey.acl("SETUSER", "somebody", "on", ">sesame", "~*", "+ping")
    url = f"redis://somebody:sesam@127.0.0.1:{running.valkey.port}"
    try:
        _, wrong = doctor(environment | {"REDIS_URL": url})
        _, poor = doctor(environment | {"REDIS_URL": url.replace("sesam@", "sesame@")})
    finally:
        running.valkey.acl("DELUSER", "somebody")
    assert wrong["redis"][0] == poor["redis"][0] == "error"
    assert "refuses the user name or password" in wrong["redis"][1]
    assert "doesn't allow its user" in poor["redis"][1]
    assert "sesam" not in str(wrong) + str(poor)


def test_a_redis_that_only_up_can_reach(environment: dict[str, str]) -> None:
    """No Redis is named, as with the embedded one: the fast server is asked."""
    without = {name: value for name, value in environment.items() if "REDIS" not in name}
    _, found = doctor(without)
    state, told, _ = found["redis"]
    assert state == "ok"
    assert "the fast server reports: reachable" in told
    assert "redis eviction" not in found
    _, found = doctor(without | {"FAST_SERVER_URL": f"http://127.0.0.1:{free_port()}"})
    assert found["redis"][0] in ("warning", "ok")  # somebody's may be at localhost:6379
    assert found["fast server"][0] == "error"


def test_what_is_set_wrong_is_told_and_the_rest_examined(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "marks.toml").write_text("[half]\nscale = 5\n")
    wrong = {
        "CENTRAL_SERVER_PORT": "x",
        "WATERMARKS": str(tmp_path / "marks.toml"),
        "MEDIA_DATA_DIR": "/proc/nowhere",
        "LEASE_SECOND": "3",
    }
    done = run("doctor", **(environment | wrong))
    assert done.returncode == 1
    assert "marks.toml, line 2" in done.stdout
    assert "/proc isn't writable" in done.stdout
    assert "CENTRAL_SERVER_PORT: " in done.stdout
    assert "Did you mean LEASE_SECONDS?" in done.stdout
    _, found = doctor(environment | {"REDIS_PORT": "x"})
    assert "REDIS_PORT" in found["settings"][1]
    assert found["fast server"][0] == "ok"


def test_a_clock_that_goes_wrong(environment: dict[str, str]) -> None:
    with _server("Tue, 24 Nov 2015 20:00:00 GMT") as url:
        _, found = doctor(environment | {"CENTRAL_SERVER_URL": f"{url}/upload-final"})
    state, told, to_do = found["central server clock"]
    assert (state, "behind" in told, "NTP" in to_do) == ("warning", True, True)
    assert found["central server"][0] == "warning"  # it knows no /ready


@pytest.mark.slow
def test_a_server_that_hangs_does_not_hold_it_up(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        hanging = {
            "FAST_SERVER_URL": f"http://127.0.0.1:{port}",
            "CENTRAL_SERVER_URL": f"http://127.0.0.1:{port}/upload-final",
            "GOOGLE_LOGO": f"http://127.0.0.1:{port}/logo.png",
            "REDIS_PORT": str(port),
        }
        began = time.monotonic()
        status, found = doctor(environment | hanging)
    assert time.monotonic() - began < 12
    assert status == 1
    for name in ("redis", "fast server", "central server", "logo"):
        assert found[name][0] == "error"


@contextmanager
def _server(date: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return date

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_archive_that_only_the_fast_server_knows(environment: dict[str, str]) -> None:
    elsewhere = {**environment, "CENTRAL_SERVER_PORT": str(free_port())}
    del elsewhere["CENTRAL_SERVER_URL"]

    _, found = doctor(elsewhere)

    state, told, _ = found["central server"]
    assert (state, told) == (
        "ok",
        "CENTRAL_SERVER_URL is not set in this shell; the fast server reaches it",
    )
