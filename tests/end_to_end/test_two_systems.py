"""Several systems on one Redis: each does its own work, and a mistake is named."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from media_processor.harness.invariant import examine, wait_drained
from media_processor.harness.load import Load
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until
from media_processor.messages.base import Readiness
from tests.images.pictures import encoded, photo
from tests.system import System

log = logging.getLogger(__name__)
pytestmark = pytest.mark.slow

PICTURES = 100
JPEG = encoded(photo((40, 30)), "JPEG")


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    yield server
    left = server.keys_without_ttl()
    server.stop()
    assert not left


@pytest.fixture
def pair(tmp_path: Path, shared: Valkey) -> Iterator[tuple[System, System]]:
    with ExitStack() as stack:
        systems = []
        for name in ("a", "b"):
            system = System(tmp_path / name / "data", shared)
            stack.callback(system.stop)
            systems.append(system)
        yield systems[0], systems[1]


async def _send(*systems: System) -> tuple[list[Load], float]:
    """Pictures to all at once, each with its own content; how long until all were stored."""
    loads = [Load(system.fast_url) for system in systems]
    began = time.monotonic()
    await asyncio.gather(*(load.send(range(PICTURES)) for load in loads))
    for system in systems:
        await asyncio.to_thread(wait_drained, system, 120)
    return loads, time.monotonic() - began


async def test_both_store_all_of_their_own_pictures(pair: tuple[System, System]) -> None:
    for system in pair:
        system.start_all()
        wait_until(partial(_works, system), "its worker is there")
    _, alone = await _send(pair[0])
    (_, load_b), together = await _send(*pair)
    log.info("%d alone %.2f s, %d each together %.2f s", PICTURES, alone, PICTURES, together)

    assert len(pair[0].stored_files()) == 2 * PICTURES
    finding = examine(pair[1], load_b.accepted)
    assert finding.holds, finding.wrong
    assert (finding.stored, len(pair[1].stored_files())) == (PICTURES, PICTURES)
    for system in pair:
        workers = system.queue().workers or ()
        assert [worker.name for worker in workers] == ["worker-1", "worker-1"]
        assert "dropping" not in system.log("worker-1")
        assert _checks(system)["workers"] == ("ok", "worker-1 (upload), worker-1 (watermark)")


def _works(system: System) -> bool:
    return len(system.queue().workers or ()) == 2


def _checks(system: System) -> dict[str, tuple[str, str]]:
    answer = system.http.get("/ready")
    assert answer.status_code == 200
    checks = Readiness.model_validate_json(answer.content).checks
    return {name: (check.state, check.detail) for name, check in checks.items()}


def test_a_worker_with_another_folder_takes_no_job_and_is_named(
    pair: tuple[System, System],
) -> None:
    fast, stray = pair
    fast.start("central-server")
    fast.start("fast-server")
    stray.start("worker-server", "worker-1")
    fast.wait_healthy()
    media = fast.upload(JPEG)

    def named() -> str | None:
        state, detail = _checks(fast)["workers"]
        return detail if state == "error" and "worker-1" in detail else None

    told = wait_until(named, "/ready names the worker")
    assert f"No worker works on this spool ({fast.data}/uploads)" in told
    assert f"uses another one ({stray.data}/uploads): give both the same MEDIA_DATA_DIR" in told
    wait_until(lambda: told in fast.log("fast-server"), "the fast server's log names it")
    wait_until(
        lambda: f"uses another one ({fast.data}/uploads)" in stray.log("worker-1"),
        "the worker's log names the fast server",
    )
    depth = (fast.queue().queues or {})["watermark"]
    assert (depth.waiting, depth.running) == (1, 0)
    assert "dropping" not in stray.log("worker-1")

    fast.start("worker-server", "worker-2")
    fast.wait_for(media.id, "stored")
    wait_until(lambda: _checks(fast)["workers"][0] == "ok", "/ready is well")


def test_one_prefix_is_one_spools(pair: tuple[System, System]) -> None:
    first, second = pair
    for system in pair:
        system.environment["REDIS_PREFIX"] = "blue"
    first.start_all()
    media = first.upload(JPEG)
    first.wait_for(media.id, "stored")
    assert first.valkey.client.exists("media:blue:workers")

    second.start("worker-server", "worker-1")
    line = f"REDIS_PREFIX blue belongs to another spool ({first.data}/uploads on "
    wait_until(lambda: line in second.log("worker-1"), "the second worker says so")
    second.start("central-server")
    second.start("fast-server")
    second.wait_healthy()
    waiting = second.upload(JPEG)  # durable all the same
    answer = second.http.get("/ready")
    assert answer.status_code == 503
    assert line in answer.text
    assert second.status(waiting.id).status == "queued"

    second.environment["REDIS_PREFIX"] = "green"
    for name in ("worker-1", "fast-server"):
        second.kill(name, 15)
    second.start("fast-server")
    second.start("worker-server", "worker-1")
    second.wait_fast()
    second.wait_for(waiting.id, "stored")
    assert len(first.stored_files()) == len(second.stored_files()) == 1
