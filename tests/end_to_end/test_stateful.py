"""Random sequences of what clients and faults do, held against a model."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from media_processor.harness.invariant import examine
from media_processor.harness.load import picture
from media_processor.harness.machine import CENTRAL, FAST, WORKER
from media_processor.harness.waiting import wait_until
from media_processor.messages.media import AcceptedMedia
from tests.system import System, running_system


@dataclass
class _Shared:
    """One system for all sequences: what earlier ones accepted must stay true as well."""

    system: System
    accepted: dict[str, str]
    count: int = 0


class Pipeline(RuleBasedStateMachine):
    """The model: each key stands for one media, with the bytes it was first sent with."""

    shared: _Shared

    def __init__(self) -> None:
        super().__init__()
        self.system = self.shared.system
        self.media: dict[str, tuple[str, bytes]] = {}

    def _send(self, key: str, content: bytes) -> httpx2.Response:
        def answered() -> httpx2.Response | None:
            self.system.revive()
            try:
                answer = self.system.post(content, f"{key}.jpg", headers={"Idempotency-Key": key})
            except httpx2.TransportError:
                return None
            return None if answer.status_code == 503 else answer

        return wait_until(answered, "an answer", 30)

    @initialize()
    def begin(self) -> None:
        self.upload()

    @rule()
    def upload(self) -> None:
        self.shared.count += 1
        key, content = str(uuid4()), picture(self.shared.count)
        answer = self._send(key, content)
        assert answer.status_code == 202, answer.text
        media = AcceptedMedia.model_validate_json(answer.content)
        assert media.sha256 == hashlib.sha256(content).hexdigest()
        assert media.id not in self.shared.accepted
        self.shared.accepted[media.id] = media.filename
        self.media[key] = (media.id, content)

    @precondition(lambda self: self.media)
    @rule(data=st.data())
    def duplicate(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.media)))
        media_id, content = self.media[key]
        answer = self._send(key, content)
        assert answer.status_code == 202
        assert answer.json()["id"] == media_id

    @precondition(lambda self: self.media)
    @rule(data=st.data())
    def same_key_for_another_picture(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.media)))
        assert self._send(key, picture(0)).status_code == 409

    @rule(victim=st.sampled_from([FAST, CENTRAL, WORKER]))
    def kill(self, victim: str) -> None:
        self.system.revive()
        self.system.kill(victim)

    @rule()
    def flush(self) -> None:
        self.system.valkey.client.flushall()

    @rule()
    def restart_redis(self) -> None:
        self.system.valkey.kill()
        self.system.valkey.start()

    def teardown(self) -> None:
        self.system.revive()
        wait_until(lambda: _is_quiet(self.system), "nothing is open or parked", 60)
        finding = examine(self.system, self.shared.accepted)
        assert finding.holds, finding
        assert finding.failed == 0


def _is_quiet(system: System) -> bool:
    parked = system.data / "uploads" / "parked"
    return not system.open_records() and not list(parked.glob("*"))


def _run(sequences: int, steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder)) as system:
        system.environment["UPLOAD_RETRY_DELAYS"] = "0.2,0.5,1,2,4"
        system.environment["LEASE_SECONDS"] = "1"
        system.start_all()
        Pipeline.shared = _Shared(system, {})
        run_state_machine_as_test(
            Pipeline,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert len(Pipeline.shared.accepted) >= sequences


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_the_order_nothing_is_lost_or_doubled() -> None:
    _run(20, 8)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_whatever_the_order_for_longer() -> None:
    _run(200, 20)
