"""Redis emptied, restarted, stopped and cut off; old backlogs, wrong clocks, busy neighbours."""

import asyncio
import signal
import time
from collections.abc import Callable
from functools import partial
from statistics import quantiles
from typing import Any, cast

from media_processor.chaos.preload import can_compile, preload
from media_processor.chaos.trial import NotHere, Outcome, Trial, settle
from media_processor.harness.invariant import Finding
from media_processor.harness.load import Load
from media_processor.harness.machine import CENTRAL, FAST, WORKER, Machine
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until, wait_until_async
from media_processor.ids import new_media_id
from media_processor.jobs.connection import OutageLog
from media_processor.jobs.keys import JOB_PREFIX, Keys
from media_processor.jobs.queue import Job, JobQueue, open_queue
from media_processor.jobs.unreadable import Unreadable
from media_processor.jobs.worker import LeasedWorker
from media_processor.pipeline.stages import FIRST

_DAY_AND_AN_HOUR_MS = 25 * 3600 * 1000

# Queue and task of the jobs that keep neighbours busy.
_TASK = ("busy", "stick")
_KEYS = Keys("chaos", "chaos")


# ── 4: Redis comes to harm ───────────────────────────────────────────────────────────


async def redis_harmed(trial: Trial) -> Outcome:
    harms: list[tuple[str, Callable[[Valkey], Any]]] = [
        ("FLUSHALL", lambda valkey: valkey.client.flushall()),
        ("restarted empty", _restart_empty),
        (f"stopped {trial.many(20, 3)} s", lambda valkey: _stop_for(valkey, trial.many(20, 3))),
        ("connections killed", _kill_connections),
    ]
    total = Outcome(Finding(), 0.0)
    for name, harm in harms[: trial.many(4, 1)]:
        trial.say(name)
        outcome = await _harm(trial, harm)
        outcome.missed = [f"{name}: {reason}" for reason in outcome.missed]
        total.add(outcome)
    total.note = ", ".join(name for name, _ in harms[: trial.many(4, 1)])
    return total


async def _harm(trial: Trial, harm: Callable[[Valkey], Any]) -> Outcome:
    queued, more = trial.many(500, 50), trial.many(100, 20)
    with trial.machine() as machine:
        machine.start(CENTRAL)
        machine.start(FAST)
        await asyncio.to_thread(machine.wait_healthy)
        load = Load(machine.fast_url)
        await load.send(range(queued))
        machine.start("worker-server", WORKER)
        sending = asyncio.create_task(load.send(range(queued, queued + more)))
        await asyncio.to_thread(harm, machine.valkey)
        began = time.monotonic()
        await sending
        outcome = await settle(machine, load, 120)
        outcome.seconds = time.monotonic() - began
        outcome.must(outcome.seconds <= 60, f"stored {outcome.seconds:.0f} s after")
        outcome.must(outcome.finding.stored == queued + more, "not all are stored")
        outcome.must(set(load.answers) == {202}, f"clients saw {dict(load.answers)}")
        return outcome


def _restart_empty(valkey: Valkey) -> None:
    valkey.kill()
    time.sleep(1)
    valkey.start()


def _stop_for(valkey: Valkey, seconds: float) -> None:
    valkey.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    valkey.process.send_signal(signal.SIGCONT)


def _kill_connections(valkey: Valkey) -> None:
    # Again and again, so that many die while they are used.
    for _ in range(200):
        valkey.client.client_kill_filter(_type="normal", skipme=True)
        time.sleep(0.01)


# ── 13: an old backlog, wrong clocks ─────────────────────────────────────────────────


async def old_backlog(trial: Trial) -> Outcome:
    if not can_compile():
        raise NotHere("needs a C compiler, to shift a worker's clock")
    pictures = trial.many(100, 10)
    with trial.machine() as machine:
        shim = str(preload(machine.valkey.folder))
        machine.start(CENTRAL)
        machine.start(FAST)
        await asyncio.to_thread(machine.wait_healthy)
        load = Load(machine.fast_url)
        await load.send(range(pictures))
        await asyncio.to_thread(_grow_old, machine.valkey, machine.keys())
        # Without the reconciler's help: nothing may have expired.
        machine.start("worker-server", WORKER, RECONCILE_SECONDS="3600")
        outcome = await settle(machine, load, 60)
        delays = [
            await _start_delay(machine, load, pictures + number, shim, skew)
            for number, skew in enumerate((30, -30))
        ]
        settled = await settle(machine, load, 60)
        settled.missed += outcome.missed
        settled.must(max(delays) <= 1, f"started after {max(delays):.2f} s")
        settled.note = f"{pictures} jobs 25 h old; 30 s ahead or behind: {max(delays):.2f} s"
        return settled


def _grow_old(valkey: Valkey, keys: Keys) -> None:
    waiting = cast(
        list[tuple[bytes, float]],
        valkey.client.zrange(keys.queue(FIRST.name), 0, -1, withscores=True),
    )
    for job_id, due in waiting:
        valkey.client.zadd(keys.queue(FIRST.name), {job_id: due - _DAY_AND_AN_HOUR_MS})
        payload = JOB_PREFIX + job_id.decode()
        left = cast(int, valkey.client.pttl(payload))
        valkey.client.pexpire(payload, left - _DAY_AND_AN_HOUR_MS)


async def _start_delay(machine: Machine, load: Load, number: int, shim: str, skew: int) -> float:
    # By our own clock, as the worker's is off.
    await asyncio.to_thread(machine.kill, WORKER, signal.SIGTERM)
    machine.start("worker-server", WORKER, LD_PRELOAD=shim, CHAOS_CLOCK=str(skew))
    spool = machine.spool()
    await load.send([number + 1000])  # the first one waits for the worker to come up
    await settle(machine, load, 30)
    (media_id,) = await load.send([number])
    began = time.monotonic()
    steps = await asyncio.to_thread(
        wait_until, lambda: spool.progress(media_id).steps, "the picture is begun"
    )
    took = time.monotonic() - began
    seen = steps[0].at.timestamp() - time.time()
    if abs(seen - skew) > 5:
        raise NotHere(f"the worker's clock can't be shifted (by {skew} s; it was {seen:.0f} s)")
    return took


# ── 14: busy neighbours ──────────────────────────────────────────────────────────────


async def busy_neighbours(trial: Trial) -> Outcome:
    jobs, found = trial.many(200, 40), Finding()
    with trial.folder() as folder:
        valkey = Valkey(folder)
        try:
            async with open_queue(valkey.settings, _KEYS) as queue:
                delays = await _pick_ups(valkey, queue, jobs)
        finally:
            valkey.stop()
    p95 = quantiles(delays, n=20)[-1] * 1000
    found.accepted = found.stored = len(delays)
    outcome = Outcome(found, note=f"p95 {p95:.1f} ms over {len(delays)} jobs")
    outcome.must(p95 <= 50, f"p95 is {p95:.0f} ms")
    return outcome


async def _pick_ups(valkey: Valkey, queue: JobQueue, jobs: int) -> list[float]:
    stuck = asyncio.Event()
    started: asyncio.Queue[float] = asyncio.Queue()

    async def stick(_: dict[str, Any], __: str) -> None:
        await stuck.wait()

    async def start(_: dict[str, Any], __: str) -> None:
        started.put_nowait(time.monotonic())

    stop = asyncio.Event()
    of_all: dict[str, Any] = {
        "settings": valkey.settings,
        "keys": _KEYS,
        "outage": OutageLog(),
        "unreadable": Unreadable(),
    }
    busy = LeasedWorker(*_TASK, stick, name="busy", slots=200, lease=10, **of_all)
    idle = LeasedWorker(*_TASK, start, name="idle", slots=4, lease=10, **of_all)
    await queue.ensure([Job(*_TASK, new_media_id()) for _ in range(200)])
    working = [asyncio.create_task(busy.work(stop, 0))]
    await wait_until_async(partial(_all_run, queue), "all run elsewhere")
    working.append(asyncio.create_task(idle.work(stop, 0)))
    delays = []
    for _ in range(jobs):
        await asyncio.sleep(0.02)
        began = time.monotonic()
        await queue.ensure([Job(*_TASK, new_media_id())])
        delays.append(await started.get() - began)
    stop.set()
    stuck.set()
    await asyncio.gather(*working)
    return delays


async def _all_run(queue: JobQueue) -> bool:
    return (await queue.depth(_TASK[0])).running == 200
