"""What a machine leaves behind is seen, orphans of killed processes too."""

import subprocess
from pathlib import Path

from media_processor.harness.machine import Machine
from media_processor.harness.valkey import Valkey


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


def test_a_stopped_machine_leaves_nothing(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    machine = Machine(tmp_path / "data", valkey)
    try:
        machine.start_all()
        machine.kill("worker-1")
        assert machine.stop() == []
    finally:
        valkey.stop()
