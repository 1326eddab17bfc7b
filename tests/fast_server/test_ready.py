"""``GET /ready`` says what is wrong and what to do."""

import pytest
from httpx2 import Response

from media_processor.central_client import CentralClient
from media_processor.fast_server.health import Health
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until
from media_processor.jobs.queue import open_queue
from media_processor.jobs.systems import Presence
from media_processor.messages.base import Readiness
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
        presence = Presence(queue.redis, KEYS, "fast server", "fast-server", "/folder")
        found = await Health(spool, queue, presence, central, 0).readiness()
    await central.close()
    assert "doesn't speak TLS" in found.checks["redis"].detail
    assert not found.ready
