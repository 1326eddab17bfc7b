"""The servers' usual addresses have one home."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import media_processor
from media_processor.addresses import CENTRAL_SERVER_PORT, FAST_SERVER, FAST_SERVER_PORT
from media_processor.client import AsyncClient, Client
from media_processor.harness.ports import free_port
from media_processor.settings import FastServerSettings

SOURCES = Path(media_processor.__file__).parent


def test_everybody_takes_it_from_there() -> None:
    written = [
        f"{path.relative_to(SOURCES)}:{node.lineno}"
        for path in sorted(SOURCES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and not _is_prose(node)
        if any(str(port) in str(node.value) for port in (FAST_SERVER_PORT, CENTRAL_SERVER_PORT))
    ]
    assert written == ["addresses.py:8", "addresses.py:9"]


def _is_prose(node: ast.Constant) -> bool:
    # Docstrings show it to people.
    return isinstance(node.value, str) and "\n" in node.value


def test_it_is_where_the_fast_server_listens_and_clients_ask() -> None:
    assert FastServerSettings.model_fields["fast_server_port"].default == FAST_SERVER_PORT
    assert str(FAST_SERVER_PORT) in FAST_SERVER
    with Client() as client:
        assert FAST_SERVER in repr(client)
    assert FAST_SERVER in repr(AsyncClient())


def test_a_command_asks_the_port_that_is_set() -> None:
    # A new process, as the address is read once, when the command is loaded.
    port = str(free_port())
    done = subprocess.run(
        [sys.executable, "-m", "media_processor", "queue"],
        env={**os.environ, "FAST_SERVER_PORT": port},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"http://127.0.0.1:{port} " in done.stderr


def test_every_command_connects_by_one_function() -> None:
    files = [path for path in (SOURCES / "cli").rglob("*.py") if _connects(path.read_text())]
    assert [path.name for path in files] == ["options.py"]


def _connects(source: str) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return any(isinstance(func, ast.Name) and func.id == "AsyncClient" for func in calls)
