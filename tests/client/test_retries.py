"""What is tried again, with which key, and when it is given up."""

import time
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest

from media_processor.client import Wait, requests
from media_processor.client.requests import Call
from media_processor.client.responses import retry_after
from media_processor.client.retries import Retries
from media_processor.errors import (
    CentralRefused,
    MediaProcessorError,
    Overloaded,
    ServerRefused,
    ServerUnreachable,
    StorageFailing,
)
from media_processor.harness.ports import free_port
from media_processor.ids import new_media_id
from tests.client.conftest import JPEG, Open
from tests.client.stub import (
    Action,
    accepts,
    answer,
    drop,
    drop_after_all,
    hand_on,
    refuse,
    stub,
    tells,
    told,
)
from tests.system import IDLE, System

QUEUE = answer(200, IDLE.model_dump_json())


class TestUploads:
    def test_a_lost_answer_makes_no_second_media(
        self, running: System, open_client: Open, jpeg: Path
    ) -> None:
        """The server took it, the client never heard: two attempts, one key, one media."""
        before = {media["id"] for media in running.http.get("/media?limit=500").json()["items"]}
        waits, progress = list[Wait](), list[int]()
        actions = (drop, hand_on(running.fast_url, lose_reply=True), hand_on(running.fast_url))
        with stub(*actions) as server:
            client = open_client(server.url, on_wait=waits.append)
            media = client.upload(jpeg, on_progress=progress.append)
            keys = [exchange.header("Idempotency-Key") for exchange in server.heard]
        assert len(keys) == 3
        assert len(set(keys)) == 1
        after = {media["id"] for media in running.http.get("/media?limit=500").json()["items"]}
        assert after - before == {media.id}
        assert len(waits) == 2
        assert waits[0].reason == f"{server.url} can't be reached"
        assert waits[0].code == "server_unreachable"
        assert 0 < waits[0].seconds <= 0.5
        assert progress.count(0) >= 2
        assert progress[-3:] == [0, len(JPEG), len(JPEG)]
        running.wait_for(media.id, "stored")

    def test_each_call_has_its_own_key_unless_one_is_given(
        self, running: System, open_client: Open
    ) -> None:
        client = open_client(running.fast_url)
        assert client.upload(JPEG).id != client.upload(JPEG).id
        same = [client.upload(JPEG, idempotency_key="k").id for _ in range(2)]
        assert len(set(same)) == 1

    def test_a_server_that_starts_later_is_waited_for(
        self, system: System, open_client: Open
    ) -> None:
        started = list[Wait]()

        def start(wait: Wait) -> None:
            if not started:
                system.start("fast-server")
            started.append(wait)

        client = open_client(system.fast_url, on_wait=start)
        assert client.upload(JPEG).status == "queued"
        assert "can't be reached" in started[0].reason


class TestToldToWait:
    def test_it_comes_again_and_not_before(self, open_client: Open) -> None:
        waits = list[Wait]()
        busy = refuse("overloaded", 503, "Too much to do; the disk is slow.", Retry_After="1")
        with stub(busy, accepts(told())) as server:
            began = time.monotonic()
            open_client(server.url, on_wait=waits.append).upload(JPEG)
            assert time.monotonic() - began >= 1
            keys = {exchange.header("Idempotency-Key") for exchange in server.heard}
            assert len(server.heard) == 2
            assert len(keys) == 1
        assert waits[0].reason == "Too much to do; the disk is slow"
        assert waits[0].code == "overloaded"
        assert 1 <= waits[0].seconds <= 1.25
        assert str(waits[0]).startswith("Too much to do; the disk is slow; trying again in 1.")

    @pytest.mark.parametrize(("patience", "seconds"), [(30, 901), (0, 1)])
    def test_too_long_is_an_error_at_once(
        self, open_client: Open, patience: float, seconds: int
    ) -> None:
        with stub(refuse("overloaded", 503, Retry_After=str(seconds))) as server:
            client = open_client(server.url, patience=patience)
            with pytest.raises(Overloaded) as refused:
                client.upload(JPEG)
            assert refused.value.retry_after == seconds
            assert len(server.heard) == 1

    def test_a_retry_of_a_media_waits_too(self, open_client: Open) -> None:
        media = told("failed")
        busy = refuse("overloaded", 503, Retry_After="0")
        with stub(tells(media), busy, tells(told("queued", media.id))) as server:
            assert open_client(server.url).media(media.id).retry().status == "queued"

    def test_seconds_or_a_date(self) -> None:
        def told(header: str) -> float | None:
            return retry_after(httpx2.Response(503, headers={"Retry-After": header}))

        assert told("7") == 7
        assert told(formatdate(0, usegmt=True)) == 0
        to_come = told(formatdate(time.time() + 100, usegmt=True))
        assert to_come is not None
        assert 50 <= to_come <= 101

    @pytest.mark.parametrize("header", ["", "soon", "-1", "1.5", "٣"])
    def test_what_says_nothing(self, header: str) -> None:
        headers = {b"Retry-After": header.encode()}
        assert retry_after(httpx2.Response(503, headers=headers)) is None


@pytest.mark.parametrize(
    "fault",
    [drop, drop_after_all, answer(429), answer(502, "<html>"), answer(504)],
    ids=["cut off", "no answer", "429", "502", "504"],
)
def test_reading_and_uploading_go_on_after(open_client: Open, fault: Action) -> None:
    with stub(fault, QUEUE, fault, accepts(told())) as server:
        client = open_client(server.url)
        assert client.queue().accepting
        assert client.upload(JPEG).status == "queued"
        assert len(server.heard) == 4


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (refuse("storage_failing", 503), StorageFailing),
        (refuse("central_refused", 502), CentralRefused),
        (answer(500), ServerRefused),
    ],
)
def test_what_would_be_refused_again_is_asked_once(
    open_client: Open, refusal: Action, kind: type[MediaProcessorError]
) -> None:
    with stub(refusal) as server:
        client = open_client(server.url)
        with pytest.raises(kind):
            client.upload(JPEG)
        assert len(server.heard) == 1


class TestGivingUp:
    def test_after_the_patience(self, open_client: Open) -> None:
        client = open_client(f"http://127.0.0.1:{free_port()}", patience=0.7)
        began = time.monotonic()
        with pytest.raises(ServerUnreachable, match="Is it running"):
            client.upload(JPEG)
        assert 0.7 <= time.monotonic() - began < 5

    def test_at_once_without_patience(self, open_client: Open) -> None:
        with stub(drop) as server:
            client = open_client(server.url, patience=0)
            with pytest.raises(ServerUnreachable):
                client.queue()
            assert len(server.heard) == 1

    def test_a_proxy_that_finds_no_server_is_told_as_it_is(self, open_client: Open) -> None:
        with stub(answer(502, "<html>")) as server:
            client = open_client(server.url, patience=0.3)
            with pytest.raises(ServerRefused, match="502"):
                client.queue()
            assert len(server.heard) > 1


class TestRetryIsNotRepeatedBlindly:
    @pytest.mark.parametrize("fault", [drop_after_all, answer(502), answer(504)])
    def test_what_may_have_been_done(self, open_client: Open, fault: Action) -> None:
        media = told("failed")
        with stub(tells(media), fault) as server:
            known = open_client(server.url).media(media.id)
            with pytest.raises((ServerUnreachable, ServerRefused)):
                known.retry()
            assert len(server.heard) == 2

    def test_what_was_not_sent_is(self) -> None:
        retries = Retries(requests.retry(new_media_id()), httpx2.URL("http://x"), patience=5)
        assert retries.after_network_error(httpx2.ConnectError("refused")) > 0
        with pytest.raises(ServerUnreachable):
            retries.after_network_error(httpx2.ReadError("cut"))


def test_pauses_grow_and_stay_within_patience() -> None:
    waits = list[Wait]()
    retries = Retries(Call("GET", "/"), httpx2.URL("http://x"), 1000, waits.append)
    pauses = [retries.after_network_error(httpx2.ConnectError("no")) for _ in range(8)]
    assert 0.25 <= pauses[0] <= 0.5
    assert all(2.5 <= pause <= 5 for pause in pauses[5:])
    assert [wait.seconds for wait in waits] == pauses
    retries.reset()
    assert retries.after_network_error(httpx2.ConnectError("no")) <= 0.5

    short = Retries(Call("GET", "/"), httpx2.URL("http://x"), patience=0.1)
    assert short.after_network_error(httpx2.ConnectError("no")) <= 0.1
