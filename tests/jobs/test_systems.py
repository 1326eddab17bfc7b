"""Processes that share a Redis find out who works on which spool."""

import asyncio
import logging
import socket
from typing import Any

import pytest

from media_processor.cancellation import cancel_and_wait
from media_processor.harness.waiting import wait_until_async
from media_processor.jobs import systems
from media_processor.jobs.keys import SYSTEMS, Keys
from media_processor.jobs.queue import JobQueue
from media_processor.jobs.systems import Kind, Presence

A, B = Keys("aaaaaaaaaaaa", "aaaaaaaaaaaa"), Keys("bbbbbbbbbbbb", "bbbbbbbbbbbb")
HOST = socket.gethostname()
STAGES = ("watermark", "upload")


def presence(
    queue: JobQueue, keys: Keys, kind: Kind = "worker", name: str = "w-1", folder: str = "/a"
) -> Presence:
    stages = STAGES if kind == "worker" else ()
    return Presence(JobQueue(queue.redis, keys), kind, name, folder, stages)


async def announce(*present: Presence) -> None:
    # Twice: who comes first doesn't see the others yet.
    for one in (*present, *present):
        await one.announce()
        await asyncio.sleep(0.002)  # the clock of Redis, in ms, goes on


async def test_a_worker_with_another_folder_is_named(queue: JobQueue) -> None:
    fast = presence(queue, A, "fast server", "fast-server", "/a/uploads")
    worker = presence(queue, B, folder="/b/uploads")
    await announce(fast, worker)
    assert fast.why_alone("worker") == (
        f"No worker works on this spool (/a/uploads). w-1 on host {HOST} uses another one "
        "(/b/uploads): give both the same MEDIA_DATA_DIR."
    )
    told = worker.why_alone("fast server")
    assert told is not None
    assert told.startswith("No fast server uses this spool (/b/uploads). fast-server on host")


async def test_who_shares_the_spool_is_not_alone(queue: JobQueue) -> None:
    fast, worker = presence(queue, A, "fast server"), presence(queue, A)
    await announce(fast, worker)
    assert (fast.why_alone("worker"), worker.why_alone("fast server")) == (None, None)
    await worker.leave()
    await fast.announce()
    assert fast.why_alone("worker") == (
        "No worker works on this spool (/a). Start one: media-processor worker-server."
    )


async def test_another_prefix_is_named(queue: JobQueue) -> None:
    fast = presence(queue, A, "fast server")
    await announce(fast, presence(queue, Keys("blue", A.spool)))
    told = fast.why_alone("worker") or ""
    assert "prefix blue in Redis, not aaaaaaaaaaaa: give both the same REDIS_PREFIX" in told


async def test_a_folder_of_the_same_name_on_another_host(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = presence(queue, A, "fast server")
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    await announce(fast, presence(queue, B))
    told = fast.why_alone("worker") or ""
    assert "w-1 on host elsewhere has another spool" in told
    assert "mount the same folder on both hosts" in told


async def test_a_complete_system_beside_this_one_is_no_mistake(queue: JobQueue) -> None:
    fast = presence(queue, A, "fast server")
    await announce(fast, presence(queue, B), presence(queue, B, "fast server"))
    assert fast.strangers("worker") == []
    assert "Start one" in (fast.why_alone("worker") or "")


async def test_two_workers_of_one_name(queue: JobQueue) -> None:
    first, second, other = presence(queue, A), presence(queue, A), presence(queue, B)
    await announce(first, second, other)
    told = f"Two workers are named w-1 (on {HOST} and {HOST})"
    assert (first.namesake() or "").startswith(told)
    assert (second.namesake() or "").startswith(told)
    assert other.namesake() is None


async def test_a_dead_workers_successor_is_no_namesake(queue: JobQueue) -> None:
    dead, new = presence(queue, A), presence(queue, A)
    await announce(dead)
    await announce(new)
    assert len(new.others) == 1
    assert new.namesake() is None


async def test_what_has_been_silent_is_forgotten(queue: JobQueue) -> None:
    fast = presence(queue, A, "fast server")
    await announce(fast, presence(queue, A))
    seconds: Any = await queue.redis.ttl(SYSTEMS)
    assert 0 < seconds <= 15
    for member in await queue.redis.zrange(SYSTEMS, 0, -1):
        await queue.redis.zincrby(SYSTEMS, -16_000, member)
    await fast.announce()
    assert fast.others == ()


async def test_what_is_wrong_is_logged_once_and_when_it_is_over(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(systems, "_EVERY", 0.01)
    caplog.set_level(logging.INFO)
    asked, wrong = 0, [None, "Once.", None, *["Nobody."] * 5, *[None] * 1000]

    async def complain() -> str | None:
        nonlocal asked
        asked += 1
        return wrong[asked - 1]

    keeping = asyncio.create_task(presence(queue, A).keep_up(complain))

    async def over() -> bool:
        return "over" in caplog.text

    await wait_until_async(over, "it is over")
    await cancel_and_wait(keeping)
    said = [one.getMessage() for one in caplog.records if one.name == systems.__name__]
    assert said == ["⚠️ Nobody.", "👌 this is over: Nobody."]
    assert await queue.redis.zrange(SYSTEMS, 0, -1) == []
