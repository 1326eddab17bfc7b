"""Processes that die: at random, at the worst moment, in the middle of a job, for a deploy."""

import asyncio
import os
import signal
import time
from collections import Counter
from contextlib import suppress

from media_processor.chaos.trial import Outcome, Trial, settle
from media_processor.crash_points import EXIT_STATUS, POINTS, VARIABLE
from media_processor.harness.invariant import Finding
from media_processor.harness.load import Load
from media_processor.harness.machine import CENTRAL, FAST, WORKER, Machine
from media_processor.harness.waiting import wait_until
from media_processor.work.spool import Spool

_VALKEY = "valkey"
# So many machines at once: each waits most of the time.
_MACHINES = 3


# ── 1: a kill storm ──────────────────────────────────────────────────────────────────


async def kill_storm(trial: Trial) -> Outcome:
    pictures, least = trial.many(1000, 80), trial.many(20, 3)
    with trial.machine() as machine:
        await asyncio.to_thread(machine.start_all)
        load = Load(machine.fast_url)
        sending = asyncio.create_task(load.send(range(pictures)))
        kills: Counter[str] = Counter()
        last_kill = 0.0
        while not sending.done() or kills.total() < least:
            await asyncio.sleep(trial.many(2, 1))
            victim = trial.rng.choice((FAST, CENTRAL, WORKER, _VALKEY))
            trial.say(f"{len(load.accepted)} accepted, killing {victim}")
            last_kill = time.monotonic()
            await asyncio.to_thread(_kill_and_restart, machine, victim)
            kills[victim] += 1
        await sending
        outcome = await settle(machine, load, 60)
        outcome.seconds = time.monotonic() - last_kill
        outcome.must(outcome.seconds <= 60, "not drained 60 s after the last kill")
        outcome.must(outcome.finding.stored == pictures, f"not all {pictures} are stored")
        outcome.note = f"{kills.total()} kills: " + ", ".join(f"{n} {k}" for k, n in kills.items())
        return outcome


def _kill_and_restart(machine: Machine, victim: str) -> None:
    if victim == _VALKEY:
        machine.valkey.kill()
        machine.valkey.start()
    else:
        machine.kill(victim)
        machine.restart(victim)


# ── 2: named crash points ────────────────────────────────────────────────────────────


async def crash_points(trial: Trial) -> Outcome:
    runs = trial.many(20, 1)
    slots = asyncio.Semaphore(_MACHINES)

    async def one(point: str) -> Outcome:
        async with slots:
            trial.say(f"{point} × {runs}")
            return await _crash_at(trial, point, runs)

    points = list(POINTS)
    if trial.short:
        points = trial.rng.sample(points, 6)
    total = Outcome(Finding(), note=f"{len(points)} points × {runs} runs")
    for point, outcome in zip(points, await asyncio.gather(*map(one, points)), strict=True):
        outcome.missed = [f"{point}: {reason}" for reason in outcome.missed]
        total.add(outcome)
    return total


async def _crash_at(trial: Trial, point: str, runs: int) -> Outcome:
    with trial.machine(LEASE_SECONDS="1") as machine:
        armed = machine.valkey.folder / "crash-at"
        machine.environment[VARIABLE] = str(armed)
        await asyncio.to_thread(machine.start_all)
        load = Load(machine.fast_url)
        outcome, slowest = Outcome(Finding()), 0.0
        for run in range(runs):
            armed.write_text(point)
            sending = asyncio.create_task(load.send((2 * run, 2 * run + 1)))
            died = await asyncio.to_thread(_await_death, machine)
            began = time.monotonic()
            await sending
            outcome = await settle(machine, load, 30)
            slowest = max(slowest, time.monotonic() - began)
            if died != EXIT_STATUS:
                outcome.must(False, f"run {run}: the point was not reached")
            if not outcome.met:
                break
        outcome.seconds = slowest
        return outcome


def _await_death(machine: Machine) -> int | None:
    def dead() -> str | None:
        ended = (name for name, process in machine.processes.items() if process.poll() is not None)
        return next(ended, None)

    try:
        name = wait_until(dead, "a process dies", 15)
    except AssertionError:
        return None
    status = machine.processes[name].returncode
    machine.restart(name)
    return status


# ── 5: a worker killed in the middle of a job ────────────────────────────────────────


async def killed_mid_job(trial: Trial) -> Outcome:
    """With the default lease: how long until another worker has the job."""
    rounds = trial.many(10, 1)
    with trial.machine(
        LEASE_SECONDS="10", RECONCILE_SECONDS="5", SIMULATED_LATENCY="1-1"
    ) as machine:
        await asyncio.to_thread(machine.start_all)
        machine.start("worker-server", "worker-2")
        load, waits = Load(machine.fast_url), []
        spool = machine.spool()
        for number in range(rounds):
            media = await load.send(range(number * 4, number * 4 + 4))
            victim = trial.rng.choice((WORKER, "worker-2"))
            held = await asyncio.to_thread(_held_by, spool, media, victim)
            killed = time.time()
            await asyncio.to_thread(machine.kill, victim)
            trial.say(f"round {number}: {victim} held {len(held)} jobs")
            for one in held:
                at = await asyncio.to_thread(_picked_up, spool, one, killed)
                waits.append(at - killed)
            machine.restart(victim)
        outcome = await settle(machine, load, 60)
        burned = [one for one in load.accepted if spool.progress(one).attempts["upload"] != 1]
        outcome.must(not burned, f"{len(burned)} jobs used up an attempt")
        slowest = max(waits, default=0.0)
        outcome.must(bool(waits) and slowest <= 15, f"picked up after {slowest:.1f} s")
        outcome.seconds = slowest
        outcome.note = f"{len(waits)} jobs picked up, slowest {slowest:.1f} s"
        return outcome


def _held_by(spool: Spool, media: list[str], worker: str) -> list[str]:
    def held() -> list[str] | None:
        found = [
            one
            for one in media
            if (at := spool.progress(one)).status == "watermarking" and at.worker == worker
        ]
        return found or ([""] if all(spool.find(one).status == "stored" for one in media) else None)

    return [one for one in wait_until(held, f"{worker} is at work") if one]


def _picked_up(spool: Spool, media_id: str, since: float) -> float:
    def again() -> float | None:
        steps = spool.progress(media_id).steps
        later = [step.at.timestamp() for step in steps if step.at.timestamp() > since]
        return later[0] if later else None

    return wait_until(again, "the job is picked up again", 30)


# ── 6: deploys ───────────────────────────────────────────────────────────────────────


async def deploys(trial: Trial) -> Outcome:
    rounds = trial.many(10, 1)
    with trial.machine(SHUTDOWN_SECONDS="15") as machine:
        await asyncio.to_thread(machine.start_all)
        load, slowest = Load(machine.fast_url, at_a_time=4), 0.0
        stop = asyncio.Event()
        sending = asyncio.create_task(_send_until(load, stop))
        for number in range(rounds):
            for name in (FAST, WORKER, CENTRAL):
                await asyncio.sleep(0.5)
                to_group = (number + len(name)) % 2 == 0
                slowest = max(slowest, await asyncio.to_thread(_deploy, machine, name, to_group))
                trial.say(f"round {number}: {name} stopped, slowest {slowest:.1f} s")
        stop.set()
        await sending
        outcome = await settle(machine, load, 60)
        bad = {status: n for status, n in load.answers.items() if status >= 500 and status != 503}
        outcome.must(not bad, f"clients saw {bad}: {load.refused[:2]}")
        outcome.must(slowest <= 30, f"a process took {slowest:.1f} s to stop")
        outcome.note = f"{rounds * 3} deploys, slowest stop {slowest:.1f} s"
        return outcome


async def _send_until(load: Load, stop: asyncio.Event) -> None:
    number = 0
    while not stop.is_set():
        await load.send(range(number, number + 8))
        number += 8


def _deploy(machine: Machine, name: str, to_group: bool) -> float:
    process, began = machine.processes[name], time.monotonic()
    if to_group:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    else:
        process.terminate()
    process.wait(60)
    took = time.monotonic() - began
    machine.restart(name)
    return took
