"""``failed`` and ``retry`` against a running system."""

from collections.abc import Iterator

import pytest

from media_processor.harness.waiting import wait_until
from media_processor.messages.media import AcceptedMedia
from tests.cli.shell import run
from tests.images.pictures import encoded, photo
from tests.system import System


@pytest.fixture
def broken(running: System) -> Iterator[list[AcceptedMedia]]:
    whole = encoded(photo((400, 300)), "PNG")
    cut = whole[:1000] + bytes(1000) + whole[2000:]
    media = [running.upload(cut, name, content_type="image/png") for name in ("a.png", "b.png")]
    for one in media:
        running.wait_for(one.id, "failed")
    yield media
    for one in media:
        running.wait_for(one.id, "failed")


def _reopened(system: System, media_id: str) -> int:
    return [step.step for step in system.status(media_id).steps].count("reopened")


def test_failed_lists_reasons(running: System, broken: list[AcceptedMedia]) -> None:
    done = run("failed", "--url", running.fast_url)
    assert done.returncode == 1
    for one in broken:
        line = next(line for line in done.stdout.splitlines() if one.id in line)
        assert one.filename in line
        assert "broken_picture" in line
        assert "1 + 0" in line


def test_retry_by_id_by_reason_and_all(running: System, broken: list[AcceptedMedia]) -> None:
    first, second = broken
    ways = ([first.id], ["--reason", "broken_picture"], ["--all"])
    for times, arguments in enumerate(ways, start=1):
        done = run("retry", *arguments, "--url", running.fast_url)
        assert done.returncode == 0, done.stderr
        wait_until(lambda: _reopened(running, first.id) == times, "reopened")  # noqa: B023
        for one in broken:
            running.wait_for(one.id, "failed")
    assert _reopened(running, second.id) == 2
    assert running.http.get(f"/media/{first.id}/original").status_code == 200


def test_what_did_not_fail_is_refused(running: System) -> None:
    media = running.upload(encoded(photo((40, 30)), "JPEG"))
    running.wait_for(media.id, "stored")
    done = run("retry", media.id, "--url", running.fast_url)
    assert done.returncode == 1
    assert done.stderr == (
        f"media-processor: {media.id}: This picture is stored; "
        "only failed pictures can be retried.\n"
    )
    answer = running.http.post(f"/media/{media.id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_failed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Choose the pictures"),
        (["x", "--all"], "Choose the pictures"),
        (["--reason", "bad_luck"], "Reasons:"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], words: str) -> None:
    done = run("retry", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
