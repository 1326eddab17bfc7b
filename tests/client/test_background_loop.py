"""The blocking client's thread: interrupts, several callers, callbacks, closing, leaving."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from media_processor.client import Client, Wait
from media_processor.client.background_loop import BackgroundLoop
from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from tests.client.conftest import JPEG
from tests.client.stub import EVENT_STREAM, Action, Exchange, accepts, routed, stub, tells, told
from tests.client.test_retries import QUEUE

_NAME = "media-processor client"


def _threads() -> int:
    return sum(thread.name == _NAME for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    assert _threads() == 0
    yield
    assert _threads() == 0


def _is_silent(exchange: Exchange) -> None:
    exchange.connection.recv(1)


class TestThread:
    def test_it_starts_with_the_first_request_and_ends_with_close(self) -> None:
        with stub(QUEUE) as server:
            with Client(server.url) as client:
                assert _threads() == 0
                client.queue()
                client.queue()
                assert _threads() == 1
            assert _threads() == 0
            client.close()

    def test_it_ends_when_client_and_media_are_dropped(self) -> None:
        media = told()
        with stub(tells(media)) as server:
            known = Client(server.url).media(media.id)
            gc.collect()
            assert known.refresh() == media
            del known
            gc.collect()
            assert _threads() == 0

    def test_a_program_that_closes_nothing_ends_quietly(self) -> None:
        media = told()

        def changes(exchange: Exchange) -> None:
            event = f"event: status\ndata: {media.model_dump_json()}\n\n".encode()
            exchange.send(EVENT_STREAM + f"{len(event):x}\r\n".encode() + event + b"\r\n")
            exchange.connection.recv(1)

        with stub(tells(media), changes) as server:
            program = (
                "from media_processor.client import Client\n"
                f"client = Client({server.url!r})\n"
                f"changes = client.media({media.id!r}).follow()\n"
                "print(next(changes).status)\n"
            )
            done = subprocess.run(
                [sys.executable, "-W", "always", "-c", program],
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
        assert (done.stdout, done.stderr) == ("queued\n", "")

    def test_a_forked_process_gets_an_error(self) -> None:
        with stub(QUEUE) as server, Client(server.url) as client:
            client.queue()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                try:
                    client.queue()
                except RuntimeError as error:
                    os._exit(7 if "forked" in str(error) else 1)
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def _interrupt() -> None:
    # The worst place for it: Python's handler runs in the main thread, which this doesn't wake.
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


class TestInterrupt:
    def test_a_download_is_cancelled_before_it_goes_on(self, tmp_path: Path) -> None:
        media = told("stored")

        def interrupt(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + bytes(2_000_000))
            wait_until(lambda: any(tmp_path.iterdir()), "the download began")
            _interrupt()
            exchange.connection.recv(1)

        with stub(tells(media), interrupt, QUEUE) as server, Client(server.url) as client:
            known = client.media(media.id)
            with pytest.raises(KeyboardInterrupt):
                known.download(tmp_path / "a.jpg")
            assert list(tmp_path.iterdir()) == []
            assert client.queue().accepting

    def test_an_iterator_ends(self) -> None:
        media = told()

        def interrupt(exchange: Exchange) -> None:
            _interrupt()
            exchange.connection.recv(1)

        with stub(tells(media), interrupt, QUEUE) as server, Client(server.url) as client:
            changes = client.media(media.id).follow()
            with pytest.raises(KeyboardInterrupt):
                next(changes)
            assert next(changes, None) is None
            assert client.queue().accepting

    @pytest.mark.parametrize("after", [False, True])
    def test_one_while_it_is_scheduled_leaves_nothing_behind(
        self, after: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        schedule = BackgroundLoop._schedule

        def interrupted(loop: BackgroundLoop, start: Callable[[], None]) -> None:
            monkeypatch.undo()
            if after:
                schedule(loop, start)
                wait_until(lambda: any(tmp_path.iterdir()), "the download began")
            raise KeyboardInterrupt

        def half(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + bytes(2_000_000))
            exchange.connection.recv(1)

        media = told("stored")
        with stub(tells(media), *[half] * after, QUEUE) as server, Client(server.url) as client:
            known = client.media(media.id)
            monkeypatch.setattr(BackgroundLoop, "_schedule", interrupted)
            with pytest.raises(KeyboardInterrupt):
                known.download(tmp_path / "a.jpg")
            assert list(tmp_path.iterdir()) == []
            assert client.queue().accepting


class TestSeveralThreads:
    def test_they_wait_at_the_same_time(self) -> None:
        """Each is answered only when all have asked."""
        together = threading.Barrier(8)

        def choose(_: Exchange) -> Action:
            together.wait(10)
            return QUEUE

        with (
            routed(choose) as server,
            Client(server.url) as client,
            ThreadPoolExecutor(8) as pool,
        ):
            reports = list(pool.map(lambda _: client.queue(), range(8)))
        assert all(report.accepting for report in reports)

    def test_close_ends_what_another_has_under_way(self) -> None:
        with (
            stub(_is_silent) as server,
            ThreadPoolExecutor(1) as pool,
            Client(server.url) as client,
        ):
            under_way = pool.submit(client.queue)
            wait_until(lambda: server.heard, "the request came")
            client.close()
            with pytest.raises(RuntimeError, match="closed"):
                under_way.result(5)
            with pytest.raises(RuntimeError, match="closed"):
                client.queue()

    def test_an_iterator_may_be_closed_after_the_client(self) -> None:
        with stub(tells(told())) as server:
            client = Client(server.url)
            changes = client.media(told().id).follow()
            with closing(changes):
                client.close()
                with pytest.raises(RuntimeError, match="closed"):
                    next(changes)


class TestCallbacks:
    @pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, ZeroDivisionError])
    def test_what_they_raise_reaches_the_caller(self, kind: type[BaseException]) -> None:
        def fail(_: int) -> None:
            raise kind

        with stub(accepts(told())) as server, Client(server.url) as client:
            with pytest.raises(kind):
                client.upload(JPEG, on_progress=fail)
            assert client.upload(JPEG).status == "queued"

    def test_they_can_not_use_the_client(self) -> None:
        def ask(_: Wait) -> None:
            client.queue()

        began = time.monotonic()
        with (
            Client(f"http://127.0.0.1:{free_port()}", on_wait=ask) as client,
            pytest.raises(RuntimeError, match="callback"),
        ):
            client.ready()
        assert time.monotonic() - began < 5
