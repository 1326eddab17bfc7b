"""A fast server that has too much to do says so before it reads the body, and when to come back."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from media_processor.errors import Overloaded
from media_processor.fast_server.backpressure import Backpressure
from media_processor.harness.waiting import wait_until
from media_processor.work.spool import Spool
from tests.cli.shell import run
from tests.images.pictures import encoded, photo
from tests.raw import answer_to_much
from tests.system import System

JPEG = encoded(photo((200, 150)), "JPEG")
NONE: frozenset[str] = frozenset()


def ids(count: int, start: int = 0) -> frozenset[str]:
    return frozenset(str(number) for number in range(start, start + count))


class TestRetryAfter:
    def test_it_is_the_time_to_drain_to_nine_tenths(self, spool: Spool) -> None:
        backpressure = Backpressure(spool, limit=100, min_free_bytes=0)
        for second in range(10):  # 5 are finished a second, 5 new ones come
            backpressure.look(ids(120, start=5 * second), NONE, second)
        load = backpressure.load()
        assert load.drain_per_second == 5
        assert load.retry_after_seconds == 6  # 30 too many at 5 a second
        with pytest.raises(Overloaded) as refused, backpressure.admitted(0):
            pass
        assert refused.value.retry_after == 6

    def test_only_the_last_half_minute_counts(self, spool: Spool) -> None:
        backpressure = Backpressure(spool, limit=10, min_free_bytes=0)
        backpressure.look(ids(1000), NONE, 0)
        backpressure.look(ids(20), NONE, 1)
        for second in range(2, 60):
            backpressure.look(ids(20), NONE, second)
        assert backpressure.load().drain_per_second == 0
        assert backpressure.load().retry_after_seconds == 60

    @pytest.mark.parametrize(("drained", "seconds"), [(11_000, 1), (1, 600)])
    def test_it_stays_within_reason(self, spool: Spool, drained: int, seconds: int) -> None:
        backpressure = Backpressure(spool, limit=10_000, min_free_bytes=0)
        backpressure.look(ids(11_000), NONE, 0)
        backpressure.look(ids(11_000, start=drained), NONE, 1)
        assert backpressure.load().retry_after_seconds == seconds

    def test_below_the_limit_and_without_one_all_are_taken(self, spool: Spool) -> None:
        for limit in (0, 101):
            backpressure = Backpressure(spool, limit=limit, min_free_bytes=0)
            backpressure.look(ids(100), NONE, 0)
            assert backpressure.load().retry_after_seconds is None

    def test_what_comes_and_goes_between_two_looks_is_drained_too(self, spool: Spool) -> None:
        backpressure = Backpressure(spool, limit=0, min_free_bytes=0)
        backpressure.look(ids(2), NONE, 0)
        backpressure.look(
            ids(3, start=1), ids(7, start=2), 1
        )  # one of the two went, two of the seven are here
        assert backpressure.load().drain_per_second == 6

    def test_the_same_media_accepted_again_drains_once(self, spool: Spool) -> None:
        backpressure = Backpressure(spool, limit=0, min_free_bytes=0)
        backpressure.look(ids(2), NONE, 0)
        for _ in range(7):
            backpressure.accepted("1")
        assert backpressure.load().unfinished == 2
        backpressure.look(ids(2), ids(1, start=1), 1)
        assert backpressure.load().drain_per_second == 0

    def test_what_is_on_its_way_counts_until_it_is_here_or_gone(self, spool: Spool) -> None:
        backpressure = Backpressure(spool, limit=10, min_free_bytes=0)
        backpressure.look(ids(5), NONE, 0)
        with ExitStack() as arriving:
            for _ in range(5):
                arriving.enter_context(backpressure.admitted(0))
            backpressure.look(ids(5), NONE, 1)
            with pytest.raises(Overloaded), backpressure.admitted(0):
                pass
        assert backpressure.load().unfinished == 5

    def test_what_came_since_the_last_look_counts(self, spool: Spool) -> None:
        backpressure = Backpressure(spool, limit=10, min_free_bytes=0)
        backpressure.look(ids(5), NONE, 0)
        for media_id in ids(5, start=5):
            backpressure.accepted(media_id)
        assert backpressure.load().retry_after_seconds is not None

    def test_an_upload_that_would_take_the_last_room_is_refused(self, spool: Spool) -> None:
        free = spool.storage.free_bytes() or 0
        backpressure = Backpressure(spool, limit=0, min_free_bytes=free // 2)
        with backpressure.admitted(1000):
            pass
        with pytest.raises(Overloaded, match="disk space"), backpressure.admitted(free - free // 4):
            pass


def test_a_full_spool_refuses_says_so_before_and_takes_again(
    system: System,
) -> None:
    system.environment["MAX_UNFINISHED"] = "5"
    system.start("central-server")
    system.start("fast-server")
    system.wait_healthy()
    for _ in range(5):
        system.upload(JPEG)
    told = system.queue()
    assert (told.accepting, told.limit, told.unfinished) == (False, 5, 5)

    refused = system.post(JPEG)
    assert refused.status_code == 503
    assert refused.json()["code"] == "overloaded"
    assert int(refused.headers["Retry-After"]) == told.retry_after_seconds == 60
    assert refused.headers["Connection"] == "close"
    assert len(system.open_records()) == 5
    assert system.temporary_files() == []
    assert answer_to_much(system.fast_url + "/media").status_code == 503

    system.start("worker-server", "worker-1")
    wait_until(lambda: system.queue().accepting, "there is room again")
    assert system.queue().retry_after_seconds is None
    media = system.upload(JPEG)
    system.wait_for(media.id, "stored")
    wait_until(lambda: system.queue().drain_per_second, "the drain rate is told")


@pytest.mark.slow
def test_the_command_waits_and_goes_on(system: System, tmp_path: Path) -> None:
    """Slow work and a limit of two: five pictures arrive all the same."""
    system.environment |= {"MAX_UNFINISHED": "2", "SIMULATED_LATENCY": "0.5-0.5"}
    system.start_all()
    folder = tmp_path / "pictures"
    folder.mkdir()
    system.upload(JPEG)
    system.upload(JPEG)
    wait_until(lambda: (system.queue().drain_per_second or 0) > 0, "some are finished")
    for number in range(5):
        (folder / f"{number}.jpg").write_bytes(JPEG)
    began = time.monotonic()
    done = run("upload", str(folder), "--wait", "--url", system.fast_url)
    assert done.returncode == 0, done.stdout
    assert len(system.log_lines()) == 7
    assert time.monotonic() - began < 60


def test_too_large_is_too_large_whatever_the_room(running: System) -> None:
    head = "POST /media HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.fast_port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert b" 413 " in connection.recv(100)


def test_a_disk_that_is_nearly_full_refuses(system: System) -> None:
    system.environment["MIN_FREE_BYTES"] = str(2**60)
    system.start("fast-server")
    system.wait_fast()
    refused = system.post(JPEG)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert system.queue().accepting is False
