"""A machine of real processes, with what tests ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from media_processor.harness.machine import Machine
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until
from media_processor.images.logo import bundled_logo_path
from media_processor.messages.fast_server import QueueReport
from media_processor.messages.media import AcceptedMedia, MediaStatus

IDLE = QueueReport(
    queues=None,
    workers=None,
    unfinished=0,
    failed=0,
    parked=0,
    oldest_age_seconds=None,
    limit=0,
    accepting=True,
    retry_after_seconds=None,
    drain_per_second=None,
)
"""The report of a system that has nothing to do and doesn't know its workers."""


class System(Machine):
    """Fails a test in which a process stays behind."""

    def stop(self) -> list[int]:
        left = super().stop()
        assert not left, f"processes left behind: {left}"
        return left

    def post(
        self,
        content: bytes,
        filename: str = "photo.jpg",
        content_type: str = "image/jpeg",
        **more: Any,
    ) -> httpx2.Response:
        return self.http.post("/media", files={"file": (filename, content, content_type)}, **more)

    def upload(self, content: bytes, filename: str = "photo.jpg", **more: Any) -> AcceptedMedia:
        answer = self.post(content, filename, **more)
        assert answer.status_code == 202, answer.text
        return AcceptedMedia.model_validate_json(answer.content)

    def status(self, media_id: str) -> MediaStatus:
        answer = self.http.get(f"/media/{media_id}")
        assert answer.status_code == 200, answer.text
        return MediaStatus.model_validate_json(answer.content)

    def queue(self) -> QueueReport:
        return QueueReport.model_validate_json(self.http.get("/queue").content)

    def wait_well(self) -> None:
        """What was checked before everything was up may be reported for another second."""
        wait_until(lambda: self.http.get("/ready").json()["state"] == "ok", "/ready is ok", 10)

    def wait_for(self, media_id: str, *statuses: str, seconds: float = 30) -> MediaStatus:
        def reached() -> MediaStatus | None:
            media = self.status(media_id)
            return media if media.status in statuses else None

        return wait_until(reached, f"{media_id} is {' or '.join(statuses)}", seconds)


@contextmanager
def running_system(folder: Path) -> Iterator[System]:
    """A system with a Valkey of its own: two on one would take each other's jobs."""
    server = Valkey(folder)
    system = System(folder / "data", server, bundled_logo_path())
    try:
        yield system
    finally:
        system.stop()
        left = server.keys_without_ttl()
        server.stop()
    assert not left, f"keys without a time to live: {left}"
