"""Kills in the middle of work: every accepted picture is stored, once."""

import hashlib
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from media_processor import crash_points
from media_processor.harness.waiting import wait_until
from media_processor.messages.media import AcceptedMedia
from media_processor.pipeline.delivery import EARLIER
from tests.images.pictures import encoded, opened, photo
from tests.postgres import Postgres
from tests.system import System


def _upload_many(system: System, count: int) -> list[AcceptedMedia]:
    jpeg = encoded(photo((1000, 750)), "JPEG", quality=90)
    return [system.upload(jpeg, f"picture-{number}.jpg") for number in range(count)]


def _start_with_backlog(system: System, count: int) -> list[AcceptedMedia]:
    """A worker that has ``count`` pictures before it, so that a kill comes in the middle."""
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    media = _upload_many(system, count)
    system.start("worker-server", "worker-1")
    return media


def _more_lines(system: System, than: int) -> None:
    wait_until(lambda: len(system.log_lines()) > than, "some are stored")


def _all_stored_once(system: System, media: list[AcceptedMedia]) -> None:
    """accepted = stored; one file, row and line each; digests right; the spool drained."""
    for one in media:
        stored = system.wait_for(one.id, "stored", seconds=60)
        assert stored.result
        content = (system.data / stored.result.stored_path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == stored.result.sha256
        opened(content)
    images = Counter(line.split("IMAGE: ")[1] for line in system.log_lines())
    assert images == Counter(f"watermarked_{one.filename}" for one in media)
    assert len(system.stored_files()) == len(media)
    rows = system.central.get("/media?limit=500").json()["items"]
    assert {row["media_id"] for row in rows} == {one.id for one in media}
    assert system.open_records() == []
    wait_until(lambda: not list((system.data / "uploads/watermarked").glob("*")), "swept")


def test_a_worker_killed_in_the_middle_of_a_batch_loses_none(system: System) -> None:
    media = _start_with_backlog(system, 100)
    for _ in range(3):
        before = len(system.log_lines())
        _more_lines(system, before + 8)
        assert len(system.log_lines()) < 100
        system.kill("worker-1")
        system.start("worker-server", "worker-1")
    _all_stored_once(system, media)


@pytest.mark.slow
def test_a_worker_told_to_stop_finishes_or_hands_back(system: System) -> None:
    media = _start_with_backlog(system, 30)
    wait_until(lambda: len(system.log_lines()) > 3, "some are stored")
    system.kill("worker-1", signal.SIGTERM)
    assert system.processes["worker-1"].returncode == 0
    system.start("worker-server", "worker-1")
    _all_stored_once(system, media)


def test_a_flushed_redis_loses_none(system: System) -> None:
    media = _start_with_backlog(system, 40)
    for _ in range(3):
        before = len(system.log_lines())
        _more_lines(system, before + 4)
        system.valkey.client.flushall()
    _all_stored_once(system, media)


@pytest.mark.slow
def test_an_archive_killed_while_storing_doubles_nothing(system: System) -> None:
    system.environment["UPLOAD_RETRY_DELAYS"] = ",".join(["0.2"] * 100)
    media = _start_with_backlog(system, 40)
    for _ in range(3):
        before = len(system.log_lines())
        _more_lines(system, before + 4)
        system.kill("central-server")
        system.start("central-server")
    _all_stored_once(system, media)
    # What a killed archive was just receiving waits for the sweep after an hour.
    assert all("central_storage" in str(path) for path in system.temporary_files())


@pytest.mark.slow
def test_a_catalogue_in_postgresql_that_crashes_in_the_middle_loses_and_doubles_nothing(
    system: System, postgres: Postgres
) -> None:
    system.environment["DATABASE_URL"] = postgres.new_database()
    system.environment["UPLOAD_RETRY_DELAYS"] = ",".join(["0.2"] * 100)
    media = _start_with_backlog(system, 40)
    for _ in range(3):
        before = len(system.log_lines())
        _more_lines(system, before + 4)
        postgres.stop(signal.SIGQUIT)
        ready = system.central.get("/ready")
        assert (ready.status_code, ready.json()["checks"]["catalogue"]["ok"]) == (503, False)
        answer = system.central.get("/media")
        assert (answer.status_code, answer.json()["code"]) == (503, "catalogue_unavailable")
        postgres.start()
    _all_stored_once(system, media)


@pytest.mark.slow
def test_a_picture_that_is_stored_is_never_failed_however_often_it_is_watermarked(
    system: System, tmp_path: Path
) -> None:
    """The archive dies before its answer, a power cut takes what isn't synced, the logo changes."""
    armed = tmp_path / "crash-at"
    system.environment[crash_points.VARIABLE] = str(armed)
    system.start_all()
    armed.write_text("line-written")
    media = _upload_many(system, 1)
    wait_until(lambda: system.processes["central-server"].poll(), "the archive has died")
    system.kill("worker-1")
    for lost in ("progress", "watermarked"):
        shutil.rmtree(system.data / "uploads" / lost)
    (stored,) = system.stored_files()
    first = stored.read_bytes()

    logo = tmp_path / "logo.png"
    logo.write_bytes(encoded(photo((80, 60)), "PNG"))
    system.restart("central-server")
    system.start("worker-server", "worker-1", GOOGLE_LOGO=str(logo))
    result = system.wait_for(media[0].id, "stored", "failed").result
    assert result
    assert result.notes == (EARLIER,)
    assert stored.read_bytes() == first
    _all_stored_once(system, media)


@pytest.mark.slow
def test_a_picture_that_needs_too_much_memory_fails_alone(system: System) -> None:
    system.environment["WATERMARK_MEMORY_BYTES"] = str(512 * 1024 * 1024)
    system.start_all()
    # A TIFF, as a PNG is spliced and needs little.
    huge = encoded(photo((64, 64)).resize((9900, 9900)), "TIFF", compression="tiff_deflate")
    doomed = system.upload(huge, "huge.tiff")
    good = _upload_many(system, 10)
    for one in good:
        system.wait_for(one.id, "stored")
    failed = system.wait_for(doomed.id, "failed", seconds=60)
    assert failed.attempts["watermark"] == 1
    assert failed.error
    assert failed.error.code == "out_of_memory"
