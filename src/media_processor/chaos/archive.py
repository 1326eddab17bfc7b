"""The central server down, silent or running twice; a bad network, a slow line; damaged files."""

import asyncio
import hashlib
import io
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import httpx2
from PIL import Image

from media_processor.chaos.proxy import (
    Fault,
    Line,
    Proxy,
    clean,
    drip,
    flip_a_byte,
    half_open,
    lose_the_reply,
    proxy,
    reset_in_the_middle,
    slow,
)
from media_processor.chaos.trial import Outcome, Trial, settle
from media_processor.errors import DigestMismatch
from media_processor.harness.invariant import Finding, wait_drained
from media_processor.harness.load import Load, picture
from media_processor.harness.machine import CENTRAL, FAST, WORKER, Machine
from media_processor.harness.waiting import wait_until
from media_processor.ids import new_media_id
from media_processor.work.spool import Spool

_MANY_RETRIES = ",".join(["0.1"] * 200)


# ── 7: away for longer than all retries ──────────────────────────────────────────────


async def archive_away(trial: Trial) -> Outcome:
    """Away for ten minutes, at a sixtieth of the time; nobody intervenes."""
    pictures = trial.many(100, 20)
    compressed = ",".join(f"{delay / 60:.3f}" for delay in (10, 20, 30, 40, 50))
    with trial.machine(UPLOAD_RETRY_DELAYS=compressed) as machine:
        machine.start(FAST)
        machine.start("worker-server", WORKER)
        await asyncio.to_thread(machine.wait_fast)
        load = Load(machine.fast_url)
        await load.send(range(pictures))
        spool = machine.spool()
        trial.say("all retries are used up")
        await asyncio.to_thread(_all_parked, spool, pictures)
        reasons = {spool.progress(one).error for one in load.accepted}
        codes = {reason.code if reason else "" for reason in reasons}
        await asyncio.sleep(trial.many(10, 1))
        began = time.monotonic()
        machine.start(CENTRAL)
        await asyncio.to_thread(wait_until, lambda: not spool.parked_ids(), "none is parked", 60)
        outcome = await settle(machine, load, 60)
        outcome.seconds = time.monotonic() - began
        outcome.must(codes == {"central_unavailable"}, f"they failed for {codes}")
        outcome.must(outcome.finding.stored == pictures, "not all are stored")
        outcome.note = f"{pictures} failed after 5 retries, all stored automatically"
        return outcome


def _all_parked(spool: Spool, count: int) -> None:
    wait_until(lambda: len(spool.parked_ids()) == count, "all failed visibly", 120)


# ── 8: stored, but not heard; delivered fifty times; late ────────────────────────────


async def stored_but_unheard(trial: Trial) -> Outcome:
    pictures = trial.many(200, 20)
    with trial.machine(UPLOAD_RETRY_DELAYS=_MANY_RETRIES) as machine:
        async with proxy(machine.central_port, lambda: ("", lose_the_reply)) as between:
            await _start_behind(machine, between)
            load = Load(machine.fast_url)
            await load.send(range(pictures))
            settled = await settle(machine, load, 120)
            trial.say("a worker sleeps beyond its lease")
            await _late_worker(machine, load, pictures)
            outcome = await settle(machine, load, 60)
            spool = machine.spool()
            unheard = sum(spool.progress(one).attempts["upload"] > 1 for one in load.accepted)
            codes = await _deliver_fifty_times(machine)
        outcome.missed += settled.missed
        outcome.must(unheard >= pictures, f"only {unheard} replies were lost")
        outcome.must(
            sorted(codes) == [200] * 49 + [201], f"repeated deliveries were answered {codes}"
        )
        outcome.must(
            len(machine.stored_files()) == len(load.accepted) + 1, "a picture was stored twice"
        )
        outcome.must(len(machine.log_lines()) == len(load.accepted) + 1, "a line was logged twice")
        outcome.note = f"{unheard} replies lost; one picture delivered 50 times; one late worker"
        return outcome


async def _start_behind(machine: Machine, between: Proxy) -> None:
    url = f"http://127.0.0.1:{between.port}/upload-final"
    machine.environment["CENTRAL_SERVER_URL"] = url
    await asyncio.to_thread(machine.start_all)


async def _late_worker(machine: Machine, load: Load, number: int) -> None:
    asleep = machine.processes[WORKER]
    sending = asyncio.create_task(load.send(range(number, number + 20)))
    await asyncio.to_thread(wait_until, machine.open_records, "there are jobs")
    asleep.send_signal(signal.SIGSTOP)
    try:
        machine.start("worker-server", "worker-2")
        await sending
        await asyncio.to_thread(wait_drained, machine, 60)
    finally:
        asleep.send_signal(signal.SIGCONT)


async def _deliver_fifty_times(machine: Machine) -> list[int]:
    content, media_id = picture(65_535), new_media_id()
    fields = {
        "worker_name": WORKER,
        "media_id": media_id,
        "sha256": hashlib.sha256(content).hexdigest(),
    }

    async with httpx2.AsyncClient(base_url=machine.central_url, timeout=30) as http:

        async def deliver() -> int:
            files = {"file": ("fifty.jpg", content, "image/jpeg")}
            return (await http.post("/upload-final", data=fields, files=files)).status_code

        return list(await asyncio.gather(*(deliver() for _ in range(50))))


# ── 9: a bad network ─────────────────────────────────────────────────────────────────


async def bad_network(trial: Trial) -> Outcome:
    pictures = trial.many(300, 30)
    answers: Counter[int] = Counter()
    faults: list[tuple[str, Fault]] = [
        ("clean", clean),
        ("slow", slow),
        ("reset", reset_in_the_middle),
        ("drip", drip),
        ("half-open", half_open),
        ("flipped", flip_a_byte(trial.rng, answers)),
    ]
    choose: Callable[[], tuple[str, Fault]] = lambda: trial.rng.choice(faults)  # noqa: E731
    with trial.machine(UPLOAD_RETRY_DELAYS=_MANY_RETRIES, UPLOAD_TIMEOUT="2") as machine:
        async with proxy(machine.central_port, choose) as between:
            await _start_behind(machine, between)
            load = Load(machine.fast_url)
            sending = asyncio.create_task(load.send(range(pictures)))
            while not sending.done():
                trial.say(f"{between.seen.total()} connections: {dict(between.seen)}")
                await asyncio.sleep(1)
            outcome = await settle(machine, load, 300)
        refused, flipped = answers[DigestMismatch.status], answers.total()
        outcome.must(outcome.finding.stored == pictures, "not all are stored")
        outcome.must(0 < flipped == refused, f"{flipped} bytes flipped, {refused} refused")
        met = ", ".join(f"{fault} {count}" for fault, count in sorted(between.seen.items()))
        outcome.note = f"{flipped} flipped bytes, {refused} refused by digest; {met}"
        return outcome


# ── 16: slow lines ───────────────────────────────────────────────────────────────────

# The contract's 15 s, divided by five, and pictures of which eight at a time need longer than that.
_PATIENCE = 3.0
_PICTURES = 12


async def slow_lines(trial: Trial) -> Outcome:
    lines = {
        "2 MB/s": (Line(2e6), 850_000),
        "64 kB/s, 2 % lost": (Line(64e3, lossy=0.02, rng=trial.rng), 27_000),
        "2 MB/s, 0.5 s away": (Line(2e6, late=0.5), 850_000),
    }
    if trial.short:
        lines.popitem()
    total, notes = Outcome(Finding(), 0.0), []
    for name, (line, size) in lines.items():
        trial.say(name)
        outcome, took, factor = await _over(trial, line, size)
        outcome.missed = [f"{name}: {reason}" for reason in outcome.missed]
        total.add(outcome)
        notes.append(f"{name}: {took:.0f} s, {factor:.2f} × their bytes")
    total.note = "; ".join(notes)
    return total


async def _over(trial: Trial, line: Line, size: int) -> tuple[Outcome, float, float]:
    """Returns also the seconds it took, and how often the pictures' bytes were sent."""
    with trial.machine(UPLOAD_TIMEOUT=f"{_PATIENCE:g}") as machine:
        async with proxy(machine.central_port, lambda: ("line", line), buffered=8192) as between:
            await _start_behind(machine, between)
            load = Load(machine.fast_url)
            contents = [_noise(trial.rng, size) for _ in range(_PICTURES)]
            began = time.monotonic()
            async with httpx2.AsyncClient(base_url=machine.fast_url, timeout=15) as http:
                for number, content in enumerate(contents):
                    await load.send_one(http, f"{number}.jpg", content)
            outcome = await settle(machine, load, 60)
            took = time.monotonic() - began
        stored = sum(path.stat().st_size for path in machine.stored_files())
        factor = line.carried / stored if stored else 0.0
        outcome.must(outcome.finding.stored == _PICTURES, "not all are stored")
        outcome.must(factor <= 1.5, f"{factor:.1f} times their bytes were sent")
        return outcome, took, factor


def _noise(rng: random.Random, size: int) -> bytes:
    """A JPEG of about so many bytes."""
    side = int((size / 0.6) ** 0.5)  # noise takes 0.6 bytes a pixel
    made = io.BytesIO()
    Image.frombytes("RGB", (side, side), rng.randbytes(side * side * 3)).save(made, "JPEG")
    return made.getvalue()
