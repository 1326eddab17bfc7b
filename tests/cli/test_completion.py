"""What a shell is told when Tab is pressed."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.client.stub import stub
from tests.system import System

COMMAND = Path(sys.executable).with_name("media-processor")


def completed(line: str, shell: str = "bash", **env: str) -> list[str]:
    words = line.split(" ")
    asked = {
        "_MEDIA_PROCESSOR_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "FAST_SERVER_URL": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [COMMAND],
        env={"PATH": os.environ["PATH"], **asked, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert not done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_is_offered_the_commands(shell: str) -> None:
    offered = "\n".join(completed("media-processor wa", shell))
    assert "watermark" in offered
    assert "upload" not in offered


def test_options_profiles_and_reasons(tmp_path: Path) -> None:
    assert "--reason" in completed("media-processor retry --r")
    assert completed("media-processor retry --reason too_m") == [
        "too_many_frames",
        "too_many_pixels",
    ]
    (tmp_path / "marks.toml").write_text("[gold]\nscale = 0.5\n[grey]\nscale = 0.5\n")
    marks = str(tmp_path / "marks.toml")
    line = "media-processor watermark --profile g"
    assert completed(line, WATERMARKS=marks) == ["gold", "grey"]
    (tmp_path / "marks.toml").write_text("[gold")
    assert completed("media-processor watermark --profile ", WATERMARKS=marks) == ["default"]


def test_a_server_that_is_none_offers_nothing_more() -> None:
    line = "media-processor upload --profile d"
    with stub(lambda exchange: exchange.send(b"SSH-2.0-other\r\n")) as other:
        assert completed(line, FAST_SERVER_URL=other.url) == ["default"]
    assert completed(line, FAST_SERVER_URL="http://127.0.0.1:no port") == ["default"]


def test_profiles_of_the_server_but_never_a_long_wait(running: System) -> None:
    line = "media-processor upload --profile d"
    assert completed(line, FAST_SERVER_URL=running.fast_url) == ["default"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        assert completed(line, FAST_SERVER_URL=url) == ["default"]
        assert time.monotonic() - began < 5  # starting included, on a busy machine


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    done = subprocess.run(
        [COMMAND, "--show-completion", shell],
        env={"PATH": os.environ["PATH"], "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert f"_MEDIA_PROCESSOR_COMPLETE=complete_{shell}" in done.stdout


def test_bash_itself_completes_with_the_script_it_is_shown() -> None:
    script = (
        'eval "$(media-processor --show-completion; :)"\n'
        "complete -p media-processor\n"
        "COMP_WORDS=(media-processor wat) COMP_CWORD=1\n"
        "_media_processor_completion media-processor\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    declared, offered = done.stdout.splitlines()
    assert "_media_processor_completion" in declared
    assert offered.split() == ["watch", "watermark"]
