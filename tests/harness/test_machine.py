"""What a machine leaves behind is seen, orphans of killed processes too."""

import subprocess
from pathlib import Path

import pytest

from media_processor.harness.machine import Machine
from media_processor.harness.valkey import Valkey
from media_processor.processes import adopt_orphans


@pytest.mark.slow
def test_an_orphan_is_found_and_ended(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    machine = Machine(tmp_path / "data", valkey)
    orphan = subprocess.Popen(["sleep", "60"], start_new_session=True)
    machine.sessions.add(orphan.pid)
    try:
        assert machine.stop() == [orphan.pid]
        assert orphan.wait(5) == -9
    finally:
        valkey.stop()


def test_an_orphan_that_was_adopted_and_has_ended_is_not_left_behind(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    machine = Machine(tmp_path / "data", valkey)
    adopt_orphans(True)
    try:
        parent = subprocess.Popen(["sh", "-c", "sleep 0.2 &"], start_new_session=True)
        machine.sessions.add(parent.pid)
        parent.wait(5)
        assert machine.stop() == []
    finally:
        adopt_orphans(False)
        valkey.stop()


def test_a_stopped_machine_leaves_nothing(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    machine = Machine(tmp_path / "data", valkey)
    try:
        machine.start_all()
        machine.kill("worker-1")
        assert machine.stop() == []
    finally:
        valkey.stop()
