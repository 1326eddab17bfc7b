"""Disks that lose their power, fill up, fail to sync, or rot."""

import asyncio
import shutil
import time
from functools import partial
from pathlib import Path

from media_processor.chaos.mounts import ext4_image, make_ext4, small_disk
from media_processor.chaos.preload import can_compile, preload
from media_processor.chaos.trial import NotHere, Outcome, Trial, settle
from media_processor.harness.invariant import Finding
from media_processor.harness.load import Load, picture
from media_processor.harness.machine import CENTRAL, FAST, WORKER, Machine
from media_processor.harness.waiting import wait_until

_IMAGE_BYTES = 64 * 1024 * 1024
_DISK_BYTES = 12 * 1024 * 1024
_MACHINES = 3


# ── 3: power cuts ────────────────────────────────────────────────────────────────────


async def power_cuts(trial: Trial) -> Outcome:
    """Cuts the power of an ext4: what was answered 202 must be there afterwards."""
    cuts, slots = trial.many(50, 1), asyncio.Semaphore(_MACHINES)
    done = 0

    async def one() -> Outcome:
        nonlocal done
        async with slots:
            outcome = await _cut(trial)
            done += 1
            trial.say(f"{done} of {cuts} cuts")
            return outcome

    total = Outcome(Finding(), 0.0)
    for outcome in await asyncio.gather(*(one() for _ in range(cuts))):
        total.add(outcome)
    total.note = f"{cuts} power cuts, {total.finding.lost} acknowledged pictures missing"
    return total


async def _cut(trial: Trial) -> Outcome:
    with trial.folder() as folder:
        before, after = folder / "before.img", folder / "after.img"
        await asyncio.to_thread(make_ext4, before, _IMAGE_BYTES)
        with ext4_image(before, folder / "disk") as disk:
            load = await _load_until_cut(trial, disk)
            # What was not synced is still in memory alone; the copy is what the disk has.
            await asyncio.to_thread(shutil.copyfile, before, after)
        with ext4_image(after, folder / "disk") as disk:
            return await _recover(trial, disk, load)


async def _load_until_cut(trial: Trial, disk: Path) -> Load:
    with trial.machine(disk / "data", MIN_FREE_BYTES="0") as machine:
        await asyncio.to_thread(machine.start_all)
        load = Load(machine.fast_url)
        sending = asyncio.create_task(load.send(range(1000)))
        await asyncio.to_thread(wait_until, lambda: load.accepted, "one is accepted")
        await asyncio.sleep(trial.rng.uniform(0.05, 1.5))
        for process in machine.processes.values():
            process.kill()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return load


async def _recover(trial: Trial, disk: Path, load: Load) -> Outcome:
    with trial.machine(disk / "data", MIN_FREE_BYTES="0") as machine:
        await asyncio.to_thread(machine.start_all)
        return await settle(machine, load, 60, others_allowed=True)


# ── 10: a full disk ──────────────────────────────────────────────────────────────────


async def full_disks(trial: Trial) -> Outcome:
    total = Outcome(Finding(), 0.0)
    disks = {"uploads": "spool", "central_storage": "archive", ".": "all on one, with its log"}
    names = trial.rng.sample(sorted(disks), trial.many(3, 1))
    for name in names:
        trial.say(f"the disk of {name} is full")
        total.add(await _fill(trial, name))
    total.must((total.seconds or 0) <= 10, f"recovered after {total.seconds:.1f} s")
    total.note = ", ".join(disks[name] for name in names)
    return total


async def _fill(trial: Trial, name: str) -> Outcome:
    with (
        trial.folder() as folder,
        small_disk(folder / "data" / name, _DISK_BYTES) as disk,
        trial.machine(folder / "data", MIN_FREE_BYTES="0") as machine,
    ):
        await asyncio.to_thread(machine.start_all)
        load = Load(machine.fast_url)
        await load.send(range(20))
        ballast = disk / "ballast"
        await asyncio.to_thread(_fill_up, ballast)
        sending = asyncio.create_task(load.send(range(20, 40)))
        await asyncio.sleep(trial.many(8, 4))
        ballast.unlink()
        began = time.monotonic()
        await sending
        outcome = await settle(machine, load, 60)
        outcome.seconds = time.monotonic() - began
        bad = set(load.answers) - {0, 202, 503, 507}
        outcome.must(not bad, f"clients saw {bad}: {load.refused[:2]}")
        return outcome


def _fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


# ── 11: a sync that fails ────────────────────────────────────────────────────────────


async def failed_syncs(trial: Trial) -> Outcome:
    """fsync fails with EIO, at the fast and at the central server: neither may report success."""
    if not can_compile():
        raise NotHere("needs a C compiler, to put a failing fsync before the C library")
    with trial.machine() as machine:
        folder = machine.valkey.folder
        fast_server, archive = folder / "no-sync-fast-server", folder / "no-sync-archive"
        shim = {"LD_PRELOAD": str(preload(folder))}
        machine.start(CENTRAL, **shim, CHAOS_NO_SYNC=str(archive))
        machine.start(FAST, **shim, CHAOS_NO_SYNC=str(fast_server))
        machine.start("worker-server", WORKER)
        await asyncio.to_thread(machine.wait_healthy)
        load = Load(machine.fast_url)
        await load.send(range(5))
        outcome = await settle(machine, load, 30)

        fast_server.touch()
        refused = [await asyncio.to_thread(_post, machine, number) for number in range(10)]
        outcome.must(set(refused) == {503}, f"the fast server answered {refused}")
        aside = list((machine.data / "uploads" / "aside").glob("*"))
        outcome.must(len(aside) == 10, f"{len(aside)} of 10 files are set aside")
        outcome.must(not machine.open_records(), "a refused picture was kept")
        fast_server.unlink()

        before = len(machine.log_lines())
        archive.touch()
        await load.send(range(5, 15))
        await asyncio.sleep(3)
        outcome.must(
            len(machine.log_lines()) == before, "a line was logged for a picture that may be lost"
        )
        archive.unlink()
        began = time.monotonic()
        await asyncio.to_thread(wait_until, partial(_none_open_or_parked, machine), "all done", 60)
        settled = await settle(machine, load, 30)
        settled.missed += outcome.missed
        settled.seconds = time.monotonic() - began
        settled.note = "10 uploads refused and set aside; 10 pictures stored when syncs work again"
        return settled


def _post(machine: Machine, number: int) -> int:
    files = {"file": (f"{number}.jpg", picture(number), "image/jpeg")}
    return machine.http.post("/media", files=files).status_code


def _none_open_or_parked(machine: Machine) -> bool:
    parked = list((machine.data / "uploads" / "parked").glob("*"))
    return not parked and not machine.open_records()
