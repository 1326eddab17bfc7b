"""The fast server keeps a copy of the archive's checkpoints; a real archive is asked."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media_processor.central_client import CentralClient
from media_processor.errors import CentralUnavailable
from media_processor.fast_server.witness import Contradiction, Witness
from media_processor.harness.waiting import wait_until
from media_processor.messages.archive import Checkpoint
from tests.cli.shell import run
from tests.images.pictures import encoded, photo
from tests.system import System

JPEG = encoded(photo((200, 150)), "JPEG")


@pytest.fixture
async def witness(system: System, tmp_path: Path) -> AsyncIterator[Witness]:
    central = CentralClient(f"{system.central_url}/upload-final", timeout=5, connections=1)
    yield Witness(tmp_path / "witness.jsonl", central, every=60)
    await central.close()


def kept(tmp_path: Path) -> list[int]:
    lines = (tmp_path / "witness.jsonl").read_bytes().splitlines()
    return [Checkpoint.model_validate_json(line).sequence for line in lines]


def store(system: System, count: int) -> None:
    for _ in range(count):
        answer = system.central.post(
            "/upload-final", files={"file": ("a.jpg", JPEG)}, data={"worker_name": "w"}
        )
        assert answer.status_code == 201


def start_central(system: System) -> None:
    system.start("central-server")
    system.wait_central()


@pytest.mark.slow
async def test_it_keeps_every_256th_and_the_end_once(
    system: System, witness: Witness, tmp_path: Path
) -> None:
    start_central(system)
    await witness.ask()
    assert not (tmp_path / "witness.jsonl").exists()
    store(system, 3)
    await witness.ask()
    await witness.ask()
    assert kept(tmp_path) == [3]
    store(system, 255)
    await witness.ask()
    await witness.ask()
    assert kept(tmp_path) == [3, 256, 258]
    told = system.central.get("/audit/checkpoints", params={"after": 0, "limit": 1}).json()
    assert [one["sequence"] for one in told["checkpoints"]] == [256]


async def test_an_archive_that_begins_anew_is_contradicted(
    system: System, witness: Witness, tmp_path: Path
) -> None:
    start_central(system)
    store(system, 3)
    await witness.ask()
    system.kill("central-server")
    key = (system.data / "audit_key.pem").read_bytes()
    shutil.rmtree(system.data)
    system.data.mkdir()
    (system.data / "audit_key.pem").write_bytes(key)
    start_central(system)
    store(system, 2)
    with pytest.raises(Contradiction, match="ends before entry 3"):
        await witness.ask()
    store(system, 1)
    with pytest.raises(Contradiction, match="entry 3 is different from before"):
        await witness.ask()
    assert kept(tmp_path) == [3]


async def test_another_key_is_contradicted(system: System, witness: Witness) -> None:
    start_central(system)
    store(system, 1)
    await witness.ask()
    system.kill("central-server")
    (system.data / "audit_key.pem").unlink()
    start_central(system)
    store(system, 1)
    with pytest.raises(Contradiction, match="a different key"):
        await witness.ask()


async def test_a_torn_line_is_cut_off(system: System, witness: Witness, tmp_path: Path) -> None:
    start_central(system)
    store(system, 1)
    await witness.ask()
    with (tmp_path / "witness.jsonl").open("ab") as file:
        file.write(b'{"sequence":2,"ha')
    store(system, 1)
    await witness.ask()
    assert kept(tmp_path) == [1, 2]


async def test_an_archive_that_is_away_is_waited_for(witness: Witness) -> None:
    with pytest.raises(CentralUnavailable):
        await witness.ask()


def test_a_running_system_witnesses_itself(system: System) -> None:
    system.environment["WITNESS_SECONDS"] = "0.2"
    system.start_all()
    for _ in range(3):
        system.wait_for(system.upload(JPEG).id, "stored")
    file = system.data / "uploads" / "witness.jsonl"
    wait_until(lambda: file.exists() and b'"sequence":3' in file.read_bytes(), "it is witnessed")
    assert run("audit", "verify", "--data", str(system.data)).returncode == 0
    for name in ("worker_activity.log", "worker_activity.log.chain"):
        lines = (system.data / name).read_bytes().splitlines(keepends=True)
        (system.data / name).write_bytes(b"".join(lines[:2]))
    told = run("audit", "verify", "--data", str(system.data))
    assert told.returncode == 1
    assert "entry 3: the log was truncated; a witness has seen entry 3" in told.stderr
