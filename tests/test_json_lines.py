"""What crosses the pipes to picture processes is checked on both sides."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_processor.images.profile import DEFAULT, Tile, Variants, as_message, from_message
from media_processor.limits import Limits
from media_processor.messages import json_lines
from media_processor.messages.results import Failure, WatermarkResult
from media_processor.messages.sandbox import (
    DifferenceTask,
    SandboxReply,
    SandboxTask,
    TaskLine,
    ThumbnailTask,
    WatermarkTask,
)

RESULT = WatermarkResult(
    content_type="image/png",
    sha256="0" * 64,
    size=7,
    width=3,
    height=2,
    method="decode",
    declined="animated",
    notes=("one", "two"),
    contrast=4.5,
)


@pytest.mark.parametrize(
    "task",
    [
        WatermarkTask(
            source="/a\nb",
            target="/t\udcff",
            profile=as_message(DEFAULT),
            logos=("/logo",),
            font=None,
            tokens={"filename": "ä.jpg"},
            limits=Limits(frames=3),
        ),
        ThumbnailTask(source="/a", target="/t", side=9, limits=Limits()),
        DifferenceTask(before="/a", after="/b", target="/t", limits=Limits()),
    ],
    ids=lambda task: task.kind,
)
def test_a_task_arrives_as_it_was_sent(task: SandboxTask) -> None:
    line = json_lines.encode(TaskLine(task=task))
    assert line.count(b"\n") == 1
    assert json_lines.decode(TaskLine, line).task == task


@pytest.mark.parametrize("reply", [{}, {"watermarked": RESULT}, {"failure": Failure("a", "b")}])
def test_a_reply_arrives_as_it_was_sent(reply: dict[str, Any]) -> None:
    sent = SandboxReply(**reply)
    assert json_lines.decode(SandboxReply, json_lines.encode(sent)) == sent


@pytest.mark.parametrize(
    "changes",
    [
        {"size": "7"},
        {"size": True},
        {"size": 7.5},
        {"notes": "one"},
        {"notes": [1]},
        {"method": None},
        {"contrast": "4"},
    ],
    ids=str,
)
def test_a_field_of_another_type_is_refused(changes: dict[str, Any]) -> None:
    reply = {"watermarked": asdict(RESULT) | changes}
    with pytest.raises(ValueError, match="isn't"):
        json_lines.decode(SandboxReply, json.dumps(reply).encode())


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"nonsense", b"[" * 60_000, b'{"failure":{"code":"a"}}', b"\xff"],
    ids=lambda line: repr(line[:20]),
)
def test_what_is_no_reply_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever reader meets it first
        json_lines.decode(SandboxReply, line)


def test_unknown_fields_are_ignored() -> None:
    line = b'{"failure":{"code":"a","detail":"b","more":1},"new":[]}'
    assert json_lines.decode(SandboxReply, line) == SandboxReply(failure=Failure("a", "b"))


def test_a_profile_arrives_as_it_was_sent() -> None:
    for profile in (
        DEFAULT,
        replace(DEFAULT, tile=Tile("3%", 10), scale=1, quality=80, format="webp"),
        replace(DEFAULT, variants=Variants("a", "b"), margin="2%"),
    ):
        through = json.loads(json.dumps(as_message(profile)))
        assert from_message(through) == profile


SCALARS = st.sampled_from([None, True, -1, 0.5, 1 << 70, "", "ä"])
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("a"), SCALARS)


@given(st.dictionaries(st.sampled_from([*asdict(RESULT), "more"]), JSON))
def test_a_hostile_reply_is_read_or_refused(fields: dict[str, Any]) -> None:
    line = json.dumps({"watermarked": asdict(RESULT) | fields}).encode()
    try:
        found = json_lines.decode(SandboxReply, line).watermarked
    except ValueError:
        return
    assert found
    assert isinstance(found.size, int)
    assert all(isinstance(note, str) for note in found.notes)
