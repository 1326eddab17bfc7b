"""The event stream: read as the standard says, resumed where it was cut off."""

import threading
import time
from collections.abc import Callable

import pytest

from media_processor.client.events import Event, EventReader
from media_processor.errors import MediaNotFound, ServerRefused, ServerUnreachable
from media_processor.messages.media import MediaStatus, Status
from tests.client.conftest import JPEG, Open
from tests.client.stub import (
    EVENT_STREAM,
    Action,
    Exchange,
    answer,
    drop,
    hand_on,
    refuse,
    routed,
    stream,
    stub,
    tells,
    told,
)
from tests.system import System

_ODD = (
    ": a comment\n\n"
    "event: status\nid: 1\ndata: one\n\n"
    ":\n"
    "data:two\ndata:  lines\ndata\nunknown: x\n\n"  # one space goes, the next stays
    "id: 3\n\n"  # no data, no event; but its id counts
    "data: a:b ü\u2028c\r\n\r\n"
    "id: no\0good\rdata: last\r\r"
    "event: cut\ndata: off\n"
)
_EVENTS = [
    Event("status", "one", "1"),
    Event("message", "two\n lines\n", "1"),
    Event("message", "a:b ü\u2028c", "3"),
    Event("message", "last", "3"),
]


class TestReader:
    def test_it_reads_as_the_standard_says(self) -> None:
        assert list(EventReader().feed(_ODD)) == _EVENTS

    def test_wherever_the_text_is_torn(self) -> None:
        for cut in range(len(_ODD)):
            reader = EventReader()
            assert [*reader.feed(_ODD[:cut]), *reader.feed(_ODD[cut:])] == _EVENTS
        reader = EventReader()
        assert [event for letter in _ODD for event in reader.feed(letter)] == _EVENTS

    def test_an_id_is_kept_from_the_stream_before(self) -> None:
        assert list(EventReader("7").feed("data: x\n\n")) == [Event("message", "x", "7")]


def _event(media: MediaStatus, number: int) -> str:
    return f"event: status\nid: {number}\ndata: {media.model_dump_json()}\n\n"


def _with(media: MediaStatus, status: Status) -> MediaStatus:
    return media.model_copy(update={"status": status})


def test_it_is_resumed_where_it_was_cut_off(open_client: Open) -> None:
    """Cut off in the middle of an event, told again what is known, ended early, and dropped."""
    media = told()
    working, stored = _with(media, "watermarking"), _with(media, "stored")
    torn = _event(working, 2)[:60]
    actions = (
        stream(": hello\n\n", _event(media, 1), torn, reset=True),
        stream(_event(media, 1), _event(working, 2)),
        drop,
        stream("event: other\nid: 3\ndata: {}\n\n", _event(stored, 4), _event(media, 5)),
    )
    with stub(tells(media), *actions) as server:
        known = open_client(server.url).media(media.id)
        assert list(known.follow()) == [media, working, stored]
        asked = server.heard[1:]
    assert [exchange.header("Last-Event-ID") for exchange in asked] == ["", "1", "2", "2"]
    assert known.details == stored


def test_data_over_several_lines(open_client: Open) -> None:
    media = told("stored")
    lines = "\ndata: ".join(media.model_dump_json(indent=1).split("\n"))
    with stub(tells(media), stream(f"event: status\ndata: {lines}\n\n")) as server:
        assert open_client(server.url).media(media.id).wait() == media


def test_it_is_given_up_after_the_patience_without_an_answer(open_client: Open) -> None:
    media = told()
    with stub(tells(media), stream(_event(media, 1)), drop) as server:
        known = open_client(server.url, patience=0.5).media(media.id)
        seen = list[MediaStatus]()
        with pytest.raises(ServerUnreachable):
            seen.extend(known.follow())
        assert len(server.heard) > 3


def test_a_refusal_is_typed_and_a_busy_server_waited_for(open_client: Open) -> None:
    media = told()
    busy = refuse("overloaded", 503, Retry_After="0")
    with stub(tells(media), busy, refuse("media_not_found", 404)) as server:
        known = open_client(server.url).media(media.id)
        with pytest.raises(MediaNotFound):
            known.wait()


@pytest.mark.parametrize(
    "other",
    [answer(200, "<html>", Content_Type="text/html"), stream("event: status\ndata: {}\n\n")],
    ids=["no stream", "no status"],
)
def test_what_can_not_be_understood_is_told(
    open_client: Open, other: Callable[[Exchange], None]
) -> None:
    media = told()
    with stub(tells(media), other) as server:
        known = open_client(server.url).media(media.id)
        with pytest.raises(ServerRefused):
            known.wait(timeout=10)


def _in_turn(*actions: Action) -> Action:
    left = list(actions)
    return lambda exchange: left.pop(0)(exchange)


def _is_silent(exchange: Exchange) -> None:
    exchange.connection.recv(1)


class TestAProxyThatCutsEveryStream:
    """It opens each event stream, and ends or resets it at once."""

    @staticmethod
    def _proxy(behind: Action, *, reset: bool = False) -> Callable[[Exchange], Action]:
        cut = stream(": hello\n\n", reset=reset)
        return lambda exchange: cut if exchange.path.endswith("/events") else behind

    @pytest.mark.parametrize("reset", [False, True])
    def test_the_wait_ends_all_the_same(
        self, running: System, open_client: Open, reset: bool
    ) -> None:
        with routed(self._proxy(hand_on(running.fast_url), reset=reset)) as proxy:
            media = open_client(proxy.url).upload(JPEG)
            running.wait_for(media.id, "stored")
            assert media.wait(timeout=20).status == "stored"
            assert len(proxy.heard) <= 4

    def test_each_change_is_told(self, open_client: Open) -> None:
        media = told()
        working, stored = _with(media, "watermarking"), _with(media, "stored")
        left = [media, media, working, stored]
        with routed(self._proxy(_in_turn(*map(tells, left)))) as proxy:
            known = open_client(proxy.url).media(media.id)
            assert list(known.follow()) == [media, working, stored]

    def test_it_is_not_asked_without_a_pause(self, open_client: Open) -> None:
        media = told()
        with routed(self._proxy(tells(media))) as proxy:
            known = open_client(proxy.url).media(media.id)
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                known.wait(timeout=2)
            assert 2 <= time.monotonic() - began < 5
            # The picture once, and then stream and status in turn, with 0.25 s at least between.
            assert 3 <= len(proxy.heard) <= 10

    def test_a_picture_that_is_gone_is_told(self, open_client: Open) -> None:
        media = told()
        gone = refuse("media_not_found", 404)
        with routed(self._proxy(_in_turn(tells(media), gone))) as proxy:
            known = open_client(proxy.url).media(media.id)
            with pytest.raises(MediaNotFound):
                known.wait(timeout=20)

    @pytest.mark.parametrize("patience", [0, 30])
    def test_the_deadline_holds_while_it_is_asked(self, open_client: Open, patience: float) -> None:
        media = told()
        behind = _in_turn(tells(media), _is_silent)
        with routed(self._proxy(behind)) as proxy:
            known = open_client(proxy.url, patience=patience).media(media.id)
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                known.wait(timeout=1.5)
            assert 1.5 <= time.monotonic() - began < 4


class TestDeadline:
    """However the server behaves, waiting ends in time."""

    ended = threading.Event()

    def _talks(self, exchange: Exchange) -> None:
        exchange.send(EVENT_STREAM)
        while not self.ended.wait(0.05):
            exchange.send(b"3\r\n:\n\n\r\n")

    def _is_silent(self, exchange: Exchange) -> None:
        exchange.send(EVENT_STREAM)
        exchange.connection.recv(1)

    def _never_answers(self, exchange: Exchange) -> None:
        exchange.connection.recv(1)

    @pytest.mark.parametrize("how", ["_talks", "_is_silent", "_never_answers"])
    @pytest.mark.parametrize("patience", [0, 30])
    @pytest.mark.parametrize("timeout", [0.2, 0.8])
    def test_it_ends(self, open_client: Open, how: str, patience: float, timeout: float) -> None:
        media = told()
        with stub(tells(media), getattr(self, how)) as server:
            known = open_client(server.url, patience=patience).media(media.id)
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                known.wait(timeout=timeout)
            assert timeout <= time.monotonic() - began < 4

    def test_while_the_server_is_away(self, open_client: Open) -> None:
        media = told()
        with stub(tells(media), drop) as server:
            known = open_client(server.url).media(media.id)
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                known.wait(timeout=0.8)
            assert 0.8 <= time.monotonic() - began < 4
