"""Hostile files: the exact verdict, in time and memory, and nobody else is harmed.

docs/hostile-input.md is the table of these; `python -m tests.attacks.table` writes it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.pictures import ATTACKS, Attack
from tests.attacks.verdicts import peak_memory, processor_seconds, verdict
from tests.images.pictures import encoded, photo
from tests.system import System

HONEST = encoded(photo((64, 48)), "JPEG")
SECONDS, MEMORY = 10.0, 1 << 30


@pytest.fixture(scope="module")
def attacked(running: System) -> Iterator[System]:
    before = {name: process.pid for name, process in running.processes.items()}
    yield running
    assert {name: process.pid for name, process in running.processes.items()} == before
    assert all(process.poll() is None for process in running.processes.values())
    assert not running.temporary_files()


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_an_attack_ends_as_it_must(attack: Attack, attacked: System) -> None:
    before = processor_seconds(attacked)
    status, ended, media_id = verdict(attacked, attack)
    assert (status, ended) == (attack.status, attack.ends)
    assert processor_seconds(attacked) - before <= SECONDS
    assert peak_memory(attacked) <= MEMORY
    if attack.ends == "stored":
        watermarked = attacked.http.get(f"/media/{media_id}/watermarked")
        assert not [secret for secret in attack.hides if secret in watermarked.content]
        # A comment stays, whatever it says, because nothing takes it for more than a picture.
        assert watermarked.headers["Content-Type"].startswith("image/")
        assert watermarked.headers["X-Content-Type-Options"] == "nosniff"
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
