"""Hostile files: the exact verdict, in time and memory, and nobody else is harmed.

docs/hostile-input.md is the table of these; `python -m tests.attacks.table` writes it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.attacks.pictures import ATTACKS, Attack
from tests.images.pictures import encoded, photo
from tests.system import System

HONEST = encoded(photo((64, 48)), "JPEG")
SECONDS, MEMORY = 10.0, 1 << 30


@pytest.fixture(scope="module")
def attacked(running: System) -> Iterator[System]:
    """A system that is as whole after the attacks as before."""
    before = {name: process.pid for name, process in running.processes.items()}
    yield running
    assert {name: process.pid for name, process in running.processes.items()} == before
    assert all(process.poll() is None for process in running.processes.values())
    assert not running.temporary_files()


def verdict(system: System, attack: Attack) -> tuple[int, str, str | None]:
    """Status, code or end, and the media's id if it was taken."""
    answer = system.post(attack.make(), f"{attack.name}.jpg")
    if answer.status_code != 202:
        return answer.status_code, answer.json()["code"], None
    media = system.wait_for(answer.json()["id"], "stored", "failed", seconds=60)
    ended = media.error.code if media.status == "failed" and media.error else media.status
    return 202, ended, media.id


def processor_seconds(system: System) -> float:
    """What all processes have worked so far: unlike time, the same on a busy machine."""
    total = 0.0
    for process in system.processes.values():
        for each in (found := psutil.Process(process.pid), *found.children(recursive=True)):
            times = each.cpu_times()  # with those of children that have ended
            total += times.user + times.system + times.children_user + times.children_system
    return total


def peak_memory(system: System) -> int:
    """The most that any picture process, or server, has had in memory, in bytes."""
    most = 0
    for process in system.processes.values():
        for each in (found := psutil.Process(process.pid), *found.children(recursive=True)):
            status = Path(f"/proc/{each.pid}/status").read_text()
            most = max(most, int(status.split("VmHWM:")[1].split()[0]) * 1024)
    return most


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_an_attack_ends_as_it_must(attack: Attack, attacked: System) -> None:
    before = processor_seconds(attacked)
    status, ended, media_id = verdict(attacked, attack)
    assert (status, ended) == (attack.status, attack.ends)
    assert processor_seconds(attacked) - before <= SECONDS
    assert peak_memory(attacked) <= MEMORY
    if attack.ends == "stored":
        watermarked = attacked.http.get(f"/media/{media_id}/watermarked").content
        assert not [secret for secret in attack.hides if secret in watermarked]
    honest = attacked.upload(HONEST)
    attacked.wait_for(honest.id, "stored")


def test_there_are_at_least_forty_kinds() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40


def test_the_documented_verdicts_are_these() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "hostile-input.md").read_text()
    for attack in ATTACKS:
        told = attack.ends if attack.status == 202 else f"{attack.status} {attack.ends}"
        assert re.search(
            rf"^\| {re.escape(attack.name)} \| [\d,]+ \| `{told}` \|", page, re.MULTILINE
        ), attack.name
