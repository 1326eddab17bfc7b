"""A forked process is like one that was started: its own, and a child of whoever asked for it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from media_processor.harness.forking import Popen, can_fork
from media_processor.harness.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")

ROOT = Path(__file__).parents[2]
REPORTER = [sys.executable, "-m", "tests.harness.reporter"]
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def run(*arguments: str, stdin: str | None = None, **env: str) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return Popen[str](
        [*REPORTER, *arguments],
        env=ENVIRONMENT | env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL if stdin is None else pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )


def told(process: "subprocess.Popen[str]", stdin: str | None = None) -> dict[str, Any]:
    stdout, stderr = process.communicate(stdin, timeout=30)
    assert stderr == "to standard error\n"
    found: dict[str, Any] = json.loads(stdout)
    return found


def test_it_has_what_it_was_given_and_nothing_else() -> None:
    process = run("a", "b c", "--read", stdin="text", ONE="1", TZ="UTC-3")
    report = told(process, "text")
    assert process.returncode == 0
    assert report["arguments"] == ["a", "b c", "--read"]
    assert report["environment"] == {**ENVIRONMENT, "ONE": "1", "TZ": "UTC-3"}
    assert report["zone"] == "+0300"
    assert report["directory"] == str(ROOT)
    assert report["input"] == "text"
    assert report["pid"] == report["session"] == process.pid
    assert report["descriptors"] == ["0", "1", "2", "3"]  # the last lists them
    assert report["threads"] == 1
    assert report["interrupt"]


def test_it_was_forked() -> None:
    with run("--wait") as process:
        command = Path(f"/proc/{process.pid}/cmdline").read_text()
        process.kill()
    assert "fork_server" in command


def test_two_have_nothing_in_common_that_should_be_random() -> None:
    first, second = told(run()), told(run())
    assert not set(first["random"]) & set(second["random"])
    assert "ONE" not in second["environment"]


def test_its_exit_status_is_seen() -> None:
    process = run("--seven")
    told(process)
    assert process.returncode == 7


def test_what_it_raises_is_seen() -> None:
    process = run("--raise")
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr.endswith("ValueError: raised on purpose\n")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(sign: int) -> None:
    with run("--wait") as process:
        assert process.stdout
        process.stdout.readline()
        assert process.poll() is None
        process.send_signal(sign)
        assert process.wait(10) == -sign


def test_it_is_our_child() -> None:
    with run("--wait") as process:
        assert psutil.Process(process.pid).ppid() == os.getpid()
        process.kill()


def test_it_dies_with_whoever_asked_for_it() -> None:
    asks = (
        "import sys; from media_processor.harness.forking import Popen\n"
        f"process = Popen({[*REPORTER, '--wait']!r}, env={{}}, cwd={str(ROOT)!r}, stdout=2)\n"
        "print(process.pid, flush=True); process.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", asks], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    wait_until(lambda: not _is_alive(child), "the child has died")


def _is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONPATH", "LC_ALL"])
def test_what_only_a_new_process_reads_gets_one(name: str) -> None:
    assert can_fork(REPORTER, ENVIRONMENT)
    assert not can_fork(REPORTER, {**ENVIRONMENT, name: "x"})
    report = told(run(**{"PYTHONSAFEPATH": ""}))
    assert report["arguments"] == []
