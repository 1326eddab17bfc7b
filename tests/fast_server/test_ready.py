"""``GET /ready`` says what is wrong and what to do."""

import pytest
from httpx2 import Response

from media_processor import background_tasks
from media_processor.background_tasks import BackgroundTasks
from media_processor.central_client import CentralClient
from media_processor.fast_server.health import Health
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until, wait_until_async
from media_processor.ids import now
from media_processor.jobs.queue import JobQueue, open_queue
from media_processor.jobs.systems import Presence
from media_processor.messages.base import Readiness
from media_processor.messages.fast_server import LiveWorker
from media_processor.settings import RedisSettings
from media_processor.work.spool import Spool
from tests.conftest import KEYS
from tests.system import System


def test_a_redis_that_refuses_writes_is_named(running: System) -> None:
    """PING is answered all the same."""

    def refused() -> Response | None:  # what was found is kept for a second
        answer = running.http.get("/ready")
        return answer if answer.status_code == 503 else None

    running.valkey.client.config_set("maxmemory", "1")
    try:
        answer = wait_until(refused, "/ready refuses")
    finally:
        running.valkey.client.config_set("maxmemory", "0")
    check = Readiness.model_validate_json(answer.content).checks["redis"]
    assert (check.ok, check.state) == (False, "error")
    assert "raise its maxmemory" in check.detail


@pytest.mark.slow
async def test_a_redis_without_tls_is_named_before_it_counts_as_hanging(
    valkey: Valkey, spool: Spool
) -> None:
    url = f"rediss://127.0.0.1:{valkey.port}"
    central = CentralClient(f"http://127.0.0.1:{free_port()}/", timeout=1, connections=1)
    async with open_queue(RedisSettings.model_validate({"redis_url": url}), KEYS) as queue:
        presence = Presence(queue, "fast server", "fast-server", "/folder")
        found = await Health(spool, queue, presence, central, BackgroundTasks(), 0).readiness()
    await central.close()
    assert "doesn't speak TLS" in found.checks["redis"].detail
    assert not found.ready


async def test_what_went_wrong_behind_the_requests_is_shown(
    queue: JobQueue, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ValueError

    monkeypatch.setattr(background_tasks, "_DELAYS", (60.0,))
    background = BackgroundTasks()
    worker = LiveWorker(name="w", stage="upload", running=0, started_at=now(), trouble="odd")
    await queue.redis.zadd(queue.keys.workers, {"w": 1, "x": 2, "w2": 3})
    await queue.redis.expire(queue.keys.workers, 60)
    await queue.redis.set(queue.keys.heartbeat("w"), worker.model_dump_json(), px=60_000)
    other_stage = worker.model_copy(update={"stage": "watermark"}).model_dump_json()
    await queue.redis.set(queue.keys.heartbeat("w2"), other_stage, px=60_000)
    await queue.redis.set(queue.keys.heartbeat("x"), "nonsense", px=60_000)
    presence = Presence(queue, "fast server", "fast-server", "/folder")
    central = CentralClient(f"http://127.0.0.1:{free_port()}/", timeout=1, connections=1)
    async with background.run(changes=broken):
        await wait_until_async(lambda: _true(background.report()), "the task has failed")
        found = await Health(spool, queue, presence, central, background, 0).readiness()
    await central.close()
    assert found.ready
    assert "changes" in found.problems["background_tasks"].detail
    assert found.problems["worker_trouble"].detail == "w: odd"
    assert "heartbeat 1" in found.problems["redis"].detail


async def _true(value: object) -> bool:
    return bool(value)
