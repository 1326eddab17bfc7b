"""``GET /ready`` says what is wrong and what to do."""

from media_processor.messages.base import Readiness
from tests.system import System


def test_a_redis_that_refuses_writes_is_named(running: System) -> None:
    """PING is answered all the same."""
    running.valkey.client.config_set("maxmemory", "1")
    try:
        answer = running.http.get("/ready")
    finally:
        running.valkey.client.config_set("maxmemory", "0")
    assert answer.status_code == 503
    check = Readiness.model_validate_json(answer.content).checks["redis"]
    assert (check.ok, check.state) == (False, "error")
    assert "raise its maxmemory" in check.detail
