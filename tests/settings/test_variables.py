"""Variables that are nearly settings."""

import logging
import os
from pathlib import Path

import pytest

from media_processor.harness.ports import free_port
from media_processor.settings.variables import forget_misspelt, misspelt, warn_of_misspelt
from tests.cli.shell import run


def test_what_is_nearly_a_setting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("GOOGLE_LOG", "WORKER", "LOGNAME", "HOSTTYPE", "MAIL"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("WORKERSS", "")
    found = misspelt()
    assert {"GOOGLE_LOG": "GOOGLE_LOGO", "WORKER": "WORKERS"}.items() <= found.items()
    assert not {"LOGNAME", "HOSTTYPE", "MAIL", "WORKERSS"} & found.keys()
    warn_of_misspelt(logging.getLogger("test"))
    assert "no service reads WORKER. Did you mean WORKERS?" in caplog.text

    monkeypatch.setenv("work_er", "x")
    forget_misspelt()  # as ``up`` does: its services needn't say it again
    assert not {"WORKER", "work_er", "GOOGLE_LOG"} & os.environ.keys()
    assert "LOGNAME" in os.environ


@pytest.mark.parametrize("service", ["fast-server", "worker-server", "central-server", "up"])
def test_every_service_warns_at_start(service: str) -> None:
    # It ends at once, as nothing can be stored there.
    done = run(
        service,
        GOOGLE_LOG="x",
        MEDIA_DATA_DIR="/proc/nowhere",
        FAST_SERVER_PORT=str(free_port()),
        CENTRAL_SERVER_PORT=str(free_port()),
    )
    assert done.returncode != 0
    assert "no service reads GOOGLE_LOG. Did you mean GOOGLE_LOGO?" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("service", "variable", "value", "told"),
    [
        ("fast-server", "MEDIA_DATA_DIR", "/etc/passwd", "/etc/passwd"),
        ("central-server", "BIND_HOST", "no such host", "BIND_HOST: no such host isn't an address"),
        ("fast-server", "BIND_HOST", "192.0.2.1", "BIND_HOST: 192.0.2.1 isn't an address"),
        ("worker-server", "REDIS_URL", "redis://:a/b@c", "REDIS_URL: its user name or password"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    service: str, variable: str, value: str, told: str, tmp_path: Path
) -> None:
    ports = {"FAST_SERVER_PORT": str(free_port()), "CENTRAL_SERVER_PORT": str(free_port())}
    environment = {"MEDIA_DATA_DIR": str(tmp_path), **ports, variable: value}
    done = run(service, **environment)
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).splitlines()
    assert line.startswith("media-processor: ")
    assert told in line
