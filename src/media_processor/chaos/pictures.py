"""A picture that kills its process; pictures that are damaged in the archive."""

import asyncio
import io
import os
import resource
import signal
import time
from pathlib import Path

import httpx2
from PIL import Image

from media_processor.central_server.catalogue import open_catalogue
from media_processor.central_server.scrub import Scrubbed, scrub
from media_processor.chaos.trial import Outcome, Trial, settle
from media_processor.harness.invariant import Finding
from media_processor.harness.load import Load
from media_processor.harness.machine import CENTRAL, WORKER, Machine, children
from media_processor.settings import CentralServerSettings
from media_processor.storage.factory import open_archive_storage
from media_processor.work.spool import Spool

# Ours has 147 MB of pixels; the processes with small ones stay far below.
_LARGE_BYTES = 120_000_000


async def deadly_picture(trial: Trial) -> Outcome:
    good = trial.many(100, 10)
    with trial.machine(WATERMARK_PROCESSES="2") as machine:
        await asyncio.to_thread(machine.start_all)
        load = Load(machine.fast_url)
        async with httpx2.AsyncClient(base_url=machine.fast_url, timeout=30) as http:
            deadly = await load.send_one(http, "deadly.tif", await asyncio.to_thread(_large))
        sending = asyncio.create_task(load.send(range(good)))
        spool = machine.spool()
        kills = await asyncio.to_thread(_kill_until_failed, machine, spool, deadly)
        await sending
        outcome = await settle(machine, load, 60)
        error = spool.progress(deadly).error
        # Three attempts, each with a second one if its process had worked before.
        outcome.must(3 <= kills <= 6, f"its process died {kills} times")
        outcome.must(outcome.finding.failed == 1, "it didn't become a dead letter")
        outcome.must(outcome.finding.stored == good, f"not all {good} others are stored")
        outcome.note = f"{kills} deaths, then failed with {error.code if error else 'no reason'}"
        return outcome


def _large() -> bytes:
    # Decoded whole, not spliced, which takes seconds: its process can be found at work.
    made = io.BytesIO()
    Image.linear_gradient("L").resize((7000, 7000)).convert("RGB").save(
        made, "TIFF", compression="tiff_deflate"
    )
    return made.getvalue()


def _kill_until_failed(machine: Machine, spool: Spool, media_id: str) -> int:
    kills, give_up = 0, time.monotonic() + 60
    while spool.find(media_id).status != "failed" and time.monotonic() < give_up:
        for child in children(machine.processes[WORKER].pid):
            if _memory(child) > _LARGE_BYTES:
                os.kill(child, signal.SIGKILL)
                kills += 1
                while _memory(child):
                    time.sleep(0.005)
        time.sleep(0.01)
    return kills


def _memory(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


# ── 15: rot ──────────────────────────────────────────────────────────────────────────


async def rotten_files(trial: Trial) -> Outcome:
    count, rotten = trial.many(1000, 100), trial.many(20, 5)
    with trial.machine() as machine:
        machine.start(CENTRAL)
        await asyncio.to_thread(machine.wait_central)
        await _archive(machine, count)
        clean, _ = await asyncio.to_thread(_scrub, machine)
        files = machine.stored_files()
        chosen = {str(path.relative_to(machine.data)) for path in trial.rng.sample(files, rotten)}
        for path in chosen:
            _flip_a_byte(trial, machine.data / path)
        found, rate = await asyncio.to_thread(_scrub, machine)
        outcome = Outcome(Finding(accepted=count, stored=len(files)))
        outcome.finding.wrong += [f"a false alarm: {bad.stored_path}" for bad in clean.bad]
        outcome.must(
            {bad.stored_path for bad in found.bad} == chosen,
            "scrub found other files than the damaged ones",
        )
        outcome.must(trial.short or rate >= 200e6, f"only {rate / 1e6:.0f} MB/s")
        outcome.note = f"{len(found.bad)} of {rotten} found at {rate / 1e6:,.0f} MB/s"
        return outcome


async def _archive(machine: Machine, count: int) -> None:
    noise = io.BytesIO()
    Image.effect_noise((900, 900), 90).save(noise, "JPEG", quality=92)
    slots = asyncio.Semaphore(8)
    async with httpx2.AsyncClient(base_url=machine.central_url, timeout=30) as http:

        async def store(number: int) -> None:
            content = noise.getvalue() + number.to_bytes(4, "big")
            async with slots:
                answer = await http.post(
                    "/upload-final",
                    data={"worker_name": WORKER},
                    files={"file": (f"{number}.jpg", content, "image/jpeg")},
                )
            answer.raise_for_status()

        await asyncio.gather(*(store(number) for number in range(count)))


def _scrub(machine: Machine) -> tuple[Scrubbed, float]:
    storage = open_archive_storage(CentralServerSettings(media_data_dir=machine.data))
    catalogue = open_catalogue(machine.data / "catalogue.sqlite")
    began = time.monotonic()
    try:
        found = scrub(storage, catalogue, lambda *_: None)
    finally:
        catalogue.close()
    return found, found.bytes / (time.monotonic() - began)


def _flip_a_byte(trial: Trial, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[trial.rng.randrange(len(content))] ^= 1 << trial.rng.randrange(8)
    path.write_bytes(content)
