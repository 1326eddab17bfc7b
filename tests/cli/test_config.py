"""``config``: what is set, from where, and no secret among it."""

import json

import pytest

from media_processor.cli.config.configuration import masked
from tests.cli.shell import Terminal, run

SECRETS = {
    "REDIS_URL": "redis://somebody:sesame1@cache:6380/2",
    "REDIS_PASSWORD": "sesame2",
    "DATABASE_URL": "postgresql+psycopg://u:sesa/me3@db/media?sslpassword=sesame4",
    "CENTRAL_SERVER_URL": "http://u:sesame5@archive:8003/upload-final",
    "GOOGLE_LOGO": "https://u:sesame6@cdn/logo@2x.png?X-Amz-Signature=sesame7&v=1",
    "FAST_SERVER_URL": "http://u:sesame8@fast server:8000",
}


def test_values_come_with_their_source_and_readers() -> None:
    done = run("config", UPLOAD_TIMEOUT="7", LOG_LEVEL="")
    assert done.returncode == 0
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines()[1:]}
    assert lines["UPLOAD_TIMEOUT"][1:] == ["7", "environment", "worker-server"]
    assert lines["LOG_LEVEL"][1:3] == ["info", "default"]
    assert lines["REDIS_PORT"][1:] == ["6379", "default", "fast-server,", "worker-server,", "up"]


def test_no_secret_is_shown() -> None:
    for arguments in ((), ("--json",)):
        done = run("config", *arguments, **SECRETS)
        assert done.returncode == 0, done.stdout
        assert "sesa" not in done.stdout + done.stderr
    values = {one["variable"]: one["value"] for one in json.loads(done.stdout)["settings"]}
    assert values["REDIS_URL"] == "redis://***@cache:6380/2"
    assert values["DATABASE_URL"] == "postgresql+psycopg://***@db/media?sslpassword=***"
    assert values["GOOGLE_LOGO"] == "https://***@cdn/logo@2x.png?X-Amz-Signature=***&v=1"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://cdn/logo@2x.png", "http://cdn/logo@2x.png"),
        ("http://cdn:80/logo@2x.png", "http://cdn:80/logo@2x.png"),
        ("http://[::1]:80/@", "http://[::1]:80/@"),
        ("http://u:p@[::1]:80/", "http://***@[::1]:80/"),
        ("http://u:p/w@cdn/logo.png", "http://***@cdn/logo.png"),
        ("our/logo@2x.png", "our/logo@2x.png"),
    ],
)
def test_what_is_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


def test_what_can_not_be_used_is_told_with_its_reason() -> None:
    done = run("config", WORKERS="0", FAST_SERVER_PORT="abc", REDIS_URL="http://sesame@x")
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("✘ error: ")]
    assert [line.split(": ")[1] for line in wrong] == ["REDIS_URL", "FAST_SERVER_PORT", "WORKERS"]
    assert "must start with redis://" in wrong[0]
    assert "sesame" not in done.stdout


def test_a_misspelt_variable_is_told() -> None:
    done = run("config", MAX_UPLOAD_BYTE="5", LOGNAME="root", HOSTTYPE="x86_64")
    assert done.returncode == 0
    told = [line for line in done.stdout.splitlines() if "unknown" in line]
    assert told == ["⚠ unknown: no service reads MAX_UPLOAD_BYTE. Did you mean MAX_UPLOAD_BYTES?"]


def test_colours_only_in_a_terminal_that_wants_them() -> None:
    assert "\x1b" not in run("config", WORKERS="0").stdout
    with Terminal("config", WORKERS="0") as shown:
        assert shown.end() == 1
        assert shown.colours
    with Terminal("config", WORKERS="0", NO_COLOR="1") as shown:
        assert shown.end() == 1
        assert "✘ error: WORKERS" in shown.text
        assert not shown.colours


def test_a_value_has_no_power_over_the_terminal() -> None:
    done = run("config", HOSTNAME="a\x1b[2Jb[red]c:smile:")
    assert "a\\x1b[2Jb[red]c:smile:" in done.stdout
