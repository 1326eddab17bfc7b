"""One state of health: ``/ready``, ``/queue``, the page, ``doctor`` and ``up`` report the same."""

import pytest

from media_processor.harness.machine import CENTRAL, FAST, WORKER
from media_processor.harness.waiting import wait_until
from media_processor.messages.base import Readiness, State
from tests.cli.shell import run
from tests.system import System


def test_a_whole_system_is_well(running: System) -> None:
    running.wait_well()
    ready = Readiness.model_validate_json(running.http.get("/ready").content)
    assert ready.ready
    assert ready.state == "ok", ready.problems
    assert {"storage", "disk", "redis", "workers", "central_server"} < set(ready.checks)


@pytest.mark.slow
def test_what_does_not_work_is_the_same_wherever_one_looks(system: System) -> None:
    system.start(FAST)
    system.start(CENTRAL)
    system.wait_healthy()

    sick(system, "error", 200, "workers")
    doctor = run("doctor", "--url", system.fast_url, **system.environment)
    told = f"No worker works on this spool ({system.data}/uploads). Start one"
    assert told in " ".join(doctor.stdout.split())

    system.start("worker-server", WORKER)
    sick(system, "ok", 200)

    system.processes[CENTRAL].kill()
    sick(system, "error", 200, "central_server")
    shown = run("queue", "--url", system.fast_url)
    assert "finished pictures wait" in " ".join(shown.stdout.split())

    system.valkey.kill()
    sick(system, "error", 503, "redis", "central_server")
    system.valkey.start()
    sick(system, "error", 200, "central_server")


def sick(system: System, state: State, status: int, *names: str) -> None:
    def found() -> bool:
        answer = system.http.get("/ready")
        ready = Readiness.model_validate_json(answer.content)
        return (ready.state, answer.status_code, set(ready.problems)) == (
            state,
            status,
            set(names),
        )

    wait_until(found, f"/ready is {state}", 15)
    report = system.queue()
    assert (report.state, set(report.problems)) == (state, set(names))
