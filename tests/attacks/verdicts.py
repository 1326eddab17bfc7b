"""What becomes of an attack, and what it costs."""

from pathlib import Path

import psutil

from tests.attacks.pictures import Attack
from tests.system import System


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
    most = 0
    for process in system.processes.values():
        for each in (found := psutil.Process(process.pid), *found.children(recursive=True)):
            status = Path(f"/proc/{each.pid}/status").read_text()
            most = max(most, int(status.split("VmHWM:")[1].split()[0]) * 1024)
    return most
