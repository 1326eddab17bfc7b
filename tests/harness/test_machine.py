"""What a machine leaves behind is seen, orphans of killed processes too."""

import subprocess
from pathlib import Path

from media_processor.harness.machine import Machine
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until


def test_an_orphan_is_found_and_ended(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    machine = Machine(tmp_path / "data", valkey)
    orphan = subprocess.Popen(["sleep", "60"], env=machine.environment)
    try:
        # Right after its start a process has no environment for an instant.
        environment = Path(f"/proc/{orphan.pid}/environ")
        wait_until(lambda: b"MEDIA_DATA_DIR" in environment.read_bytes(), "it has started")
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
