"""Every row of the contract that must not drift, against a running system."""

import json
import re
import signal
import time
from datetime import timedelta

import httpx2
import pytest
from PIL import Image, ImageChops

from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from media_processor.images.logo import bundled_logo_path
from media_processor.messages.media import MediaStatus
from media_processor.pipeline.stages import STAGES
from media_processor.settings import (
    CentralServerSettings,
    FastServerSettings,
    RedisSettings,
    WorkerSettings,
)
from media_processor.settings.pipeline import DEFAULT_GOOGLE_LOGO
from tests.images.pictures import displayed, encoded, photo
from tests.system import System

LINE = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] WORKER: worker-1 \| IMAGE: watermarked_photo\.png"


def test_the_defaults_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "this-machine")
    worker = WorkerSettings()
    assert RedisSettings().redis_host == "localhost"
    assert worker.google_logo == DEFAULT_GOOGLE_LOGO
    assert worker.central_server_url == "http://host.docker.internal:8003/upload-final"
    assert worker.upload_timeout == 15
    assert worker.upload_retry_delays == (10, 20, 30, 40, 50)
    assert worker.simulated_latency is None
    assert worker.keep_originals
    assert (FastServerSettings().fast_server_port, FastServerSettings().bind_host) == (
        8000,
        "127.0.0.1",
    )
    assert CentralServerSettings().central_server_port == 8003


def test_a_picture_goes_all_the_way(running: System) -> None:
    source = photo((500, 400))
    media = running.upload(encoded(source, "PNG"), "photo.png")
    stored = running.wait_for(media.id, "stored")

    assert list((running.data / "uploads").glob(f"originals/*/*/*/{media.id}.png"))
    assert stored.result
    assert stored.result.stored_path.endswith(f"/{media.id}/watermarked_photo.png")
    assert re.fullmatch(LINE, running.log_lines()[-1])
    _has_logo_top_right(source, running.data / stored.result.stored_path)


def _has_logo_top_right(source: Image.Image, path: object) -> None:
    """20 % of width and height at most, aspect kept, 10 px from the edges, nothing else."""
    watermarked = displayed(path).convert("RGB")  # type: ignore[arg-type]
    box = ImageChops.difference(source.convert("RGB"), watermarked).getbbox()
    with Image.open(bundled_logo_path()) as logo:
        alpha = logo.convert("RGBA").getchannel("A").getbbox()
        assert alpha
        scale = min(source.width * 0.2 / logo.width, source.height * 0.2 / logo.height)
        width, height = round(logo.width * scale), round(logo.height * scale)
    assert box
    left, top, right, bottom = box
    assert source.width - 10 - width <= left
    assert right <= source.width - 10
    assert top >= 10
    assert bottom <= 10 + height
    # The mark itself fills most of its box.
    assert (right - left) * (bottom - top) > 0.6 * width * height


def test_the_queue_is_arq_with_the_two_task_names(running: System) -> None:
    running.kill("worker-1", 15)
    media = running.upload(encoded(photo((40, 30)), "JPEG"))
    keys = running.keys()
    job_id = keys.job_id("watermark", media.id)
    payload = running.valkey.client.get(f"arq:job:{job_id}")
    assert isinstance(payload, bytes)
    assert b"watermark_image_task" in payload
    assert running.valkey.client.zscore(keys.queue("watermark"), job_id)
    running.start("worker-server", "worker-1")
    running.wait_for(media.id, "stored")
    assert {stage.task for stage in STAGES} == {"watermark_image_task", "upload_to_central_task"}


def test_logs_have_an_emoji_for_each_stage_and_the_depth(running: System) -> None:
    media = running.upload(encoded(photo((40, 30)), "JPEG"))
    running.wait_for(media.id, "stored")
    assert f"📥 {media.id} accepted" in running.log("fast-server")
    # The status is there a moment before the line that tells of it.
    wait_until(lambda: f"📦 {media.id}" in running.log("worker-1"), "the last line")
    log = running.log("worker-1")
    for sign in ("🎨", "✅", "🚀"):
        assert f"{sign} {media.id}" in log
    assert "📊 queue watermark" in log
    assert f"🗄️ {media.id} stored" in running.log("central-server")


@pytest.mark.slow
def test_several_workers_share_the_load(system: System) -> None:
    system.start_all()
    system.start("worker-server", "worker-2")
    wait_until(lambda: len(system.queue().workers or ()) == 4, "both stages of both are up")
    jpeg = encoded(photo((400, 300)), "JPEG")
    media = [system.upload(jpeg, f"{number}.jpg") for number in range(60)]
    stored = [system.wait_for(one.id, "stored") for one in media]
    assert {status.worker for status in stored} == {"worker-1", "worker-2"}
    names = {line.split("WORKER: ")[1].split(" |")[0] for line in system.log_lines()}
    assert names == {"worker-1", "worker-2"}
    assert len(system.log_lines()) == 60


def test_the_stages_can_run_apart(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.start("worker-server", "watermarker", "--stage", "watermark")
    system.wait_healthy()
    media = system.upload(encoded(photo((40, 30)), "JPEG"))
    system.wait_for(media.id, "uploading")
    system.start("worker-server", "shipper", "--stage", "upload")
    stored = system.wait_for(media.id, "stored")
    by = {step.step: step.worker for step in stored.steps}
    assert (by["watermarked"], by["stored"]) == ("watermarker", "shipper")


def test_simulated_latency_is_added_to_stage_1(system: System) -> None:
    system.start("central-server")
    system.start("fast-server")
    system.start("worker-server", "worker-1", SIMULATED_LATENCY="0.6-0.8")
    system.wait_healthy()
    stored = system.wait_for(system.upload(encoded(photo((40, 30)), "JPEG")).id, "stored")
    assert _between(stored, "watermarking", "watermarked") >= timedelta(seconds=0.6)


def _between(media: MediaStatus, first: str, second: str) -> timedelta:
    at = {step.step: step.at for step in media.steps}
    return at[second] - at[first]  # type: ignore[index]


class TestStage2Retries:
    def test_up_to_five_retries_then_failed_with_the_reason(self, system: System) -> None:
        system.environment["UPLOAD_RETRY_DELAYS"] = "0.1,0.2,0.3,0.4,0.5"
        system.start("fast-server")
        system.start("worker-server", "worker-1")
        media_id = self._upload_without_central(system)
        failed = system.wait_for(media_id, "failed")

        assert failed.attempts["upload"] == 6
        assert failed.error
        assert failed.error.code == "central_unavailable"
        retries = [step for step in failed.steps if step.step == "retrying"]
        assert len(retries) == 5
        gaps = [
            (after.at - before.at).total_seconds()
            for before, after in zip(
                retries, [s for s in failed.steps if s.step == "uploading"][1:], strict=True
            )
        ]
        wanted = (0.1, 0.2, 0.3, 0.4, 0.5)
        assert all(gap >= least - 0.01 for gap, least in zip(gaps, wanted, strict=True))

    def test_a_picture_waits_out_an_archive_that_is_down(self, system: System) -> None:
        system.environment["UPLOAD_RETRY_DELAYS"] = ",".join(["0.3"] * 100)
        system.start("fast-server")
        system.start("worker-server", "worker-1")
        media_id = self._upload_without_central(system)
        waiting = system.wait_for(media_id, "retrying")
        assert waiting.error
        assert waiting.next_attempt_at
        system.start("central-server")
        stored = system.wait_for(media_id, "stored")
        assert stored.error is None
        assert stored.attempts["upload"] >= 2

    def test_a_refusal_fails_at_once(self, system: System) -> None:
        system.environment["CENTRAL_SERVER_URL"] = f"{system.central_url}/wrong-path"
        system.start_all()
        failed = system.wait_for(system.upload(encoded(photo((40, 30)), "JPEG")).id, "failed")
        assert failed.attempts["upload"] == 1
        assert failed.error
        assert failed.error.code == "central_refused"
        assert "404" in failed.error.detail

    @staticmethod
    def _upload_without_central(system: System) -> str:
        def accepted() -> str | None:
            try:
                return system.upload(encoded(photo((40, 30)), "JPEG")).id
            except httpx2.TransportError:
                return None

        return wait_until(accepted, "the fast server takes a picture")


def test_redis_may_be_away_while_pictures_come(system: System) -> None:
    system.environment["REDIS_PORT"] = str(free_port())
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    media = system.upload(encoded(photo((40, 30)), "JPEG"))
    assert system.http.get("/ready").status_code == 503
    assert json.loads(system.http.get("/queue").content)["queues"] is None

    system.environment["REDIS_PORT"] = str(system.valkey.port)
    system.start("worker-server", "worker-1")  # its reconciler finds the picture
    system.wait_for(media.id, "stored")


def test_a_redis_that_hangs_does_not_hold_an_answer_up(system: System) -> None:
    system.start_all()
    assert system.valkey.process
    system.valkey.process.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        media = system.upload(encoded(photo((40, 30)), "JPEG"))
        assert time.monotonic() - started < 4
    finally:
        system.valkey.process.send_signal(signal.SIGCONT)
    system.wait_for(media.id, "stored")


def test_stage_1_hands_over_without_the_reconciler(system: System) -> None:
    system.environment["RECONCILE_SECONDS"] = "3600"
    system.start_all()
    wait_until(lambda: system.queue().workers, "the worker is up")
    system.wait_for(system.upload(encoded(photo((40, 30)), "JPEG")).id, "stored", seconds=15)


def test_event_streams_do_not_hold_a_stopping_fast_server_up(system: System) -> None:
    system.start("fast-server")
    system.start("central-server")
    system.wait_healthy()
    media = system.upload(encoded(photo((40, 30)), "JPEG"))
    with system.http.stream("GET", media.links.events) as answer:
        events = answer.iter_lines()
        assert next(events).startswith("event: status")
        started = time.monotonic()
        system.kill("fast-server", signal.SIGTERM)
        assert time.monotonic() - started < 6
    assert "Traceback" not in system.log("fast-server")
