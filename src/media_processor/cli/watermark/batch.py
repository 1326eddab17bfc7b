"""Watermarks pictures in guarded child processes, and prints a line for each."""

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from media_processor.cli import interrupts
from media_processor.cli.output import amount, complain, progress, rate
from media_processor.cli.watermark.plan import Job, mark_outdated, plan_many, plan_one
from media_processor.cli.watermark.results_log import ResultsLog, note_own_result
from media_processor.errors import MediaProcessorError
from media_processor.formats import content_type_of, extension_of
from media_processor.installation import NO_NATIVE_CORE, native_core_advice
from media_processor.messages.results import WatermarkResult
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import WorkerSettings, read
from media_processor.terminal import printable
from media_processor.watermarks.tasks import TaskBuilder


@dataclass
class _Tally:
    """What became of the pictures; ``ways`` counts splice, decode, skip and failed."""

    skipped: int
    outdated: int
    ways: Counter[str] = field(default_factory=Counter)
    lacks_core: bool = False
    size: int = 0
    began: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.began
        done = self.ways.total() - self.ways["failed"]
        counts = sorted(self.ways.items())
        ways = ", ".join(f"{way} {count}" for way, count in counts if way != "failed")
        return (
            f"{done} watermarked, {self.skipped} skipped, "
            + (f"{self.outdated} outdated, " if self.outdated else "")
            + f"{self.ways['failed']} failed"
            + (f" ({ways})" if ways else "")
            + f": {amount(self.size)} in {seconds:.1f} s, {rate(done, seconds):.1f} pictures/s"
        )


def watermark_files(
    files: list[Path],
    output: Path | None,
    profile: str,
    *,
    jobs: int | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> int:
    """Raises SetupError, UnknownProfile or LogoUnavailable before anything is watermarked."""
    settings = read(WorkerSettings)
    tasks = TaskBuilder(settings)
    chosen, limits = tasks.profiles.get(profile), settings.picture_limits
    if output:
        log = ResultsLog(output)
        planned = plan_many(files, output, chosen, limits, force=force)
        planned = asyncio.run(mark_outdated(planned, log, tasks, chosen))
    else:
        planned = [plan_one(files, chosen, limits, force=force)]
        log = ResultsLog(planned[0].target.parent)
    if dry_run:
        return _tell(planned)
    logging.basicConfig(format="media-processor: %(message)s", level=logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.ERROR)
    todo = [job for job in planned if not job.skipped]
    outdated = [job for job in planned if job.is_outdated]
    tally = _Tally(len(planned) - len(todo) - len(outdated), len(outdated))
    status = 0
    if todo:
        processes = min(jobs or settings.watermark_processes, len(todo))
        folder = output or todo[0].target.parent
        batch = _Batch(
            settings, tasks, profile, processes, folder, log, names_are_ours=output is not None
        )
        status = interrupts.run(batch.run(todo, tally))
    for job in outdated:
        complain(f"{job.target}: {job.skipped}; left as it is")
    if output:
        sys.stdout.write(f"{tally}\n")
    if outdated:
        complain("To make outdated results again, add --force or delete them.")
    if tally.lacks_core and (advice := native_core_advice()):
        complain(
            f"The native core isn't installed, so pictures are decoded, which is slower. {advice}"
        )
    return status or (1 if tally.ways["failed"] or outdated else 0)


def _tell(planned: list[Job]) -> int:
    for job in planned:
        what = (
            f"would be skipped: {job.skipped}"
            if job.skipped
            else f"would be written to {job.target}"
        )
        sys.stdout.write(f"{printable(str(job.source))}: {printable(what)}\n")
    skipped = sum(1 for job in planned if job.skipped)
    sys.stdout.write(f"would watermark {len(planned) - skipped}, skip {skipped}\n")
    return 1 if any(job.is_outdated for job in planned) else 0


class _Batch:
    """Watermarks pictures, a few at a time, and prints them in the order they were given."""

    def __init__(
        self,
        settings: WorkerSettings,
        tasks: TaskBuilder,
        profile: str,
        processes: int,
        folder: Path,
        log: ResultsLog,
        *,
        names_are_ours: bool,
    ) -> None:
        self._settings, self._tasks, self._profile = settings, tasks, profile
        self._processes, self._folder = processes, folder.absolute()
        self._made_by = ""
        self._slots, self._log = asyncio.Semaphore(processes), log
        self._names_are_ours = names_are_ours

    async def run(self, todo: list[Job], tally: _Tally) -> int:
        self._made_by = await self._tasks.digest(self._tasks.profiles.get(self._profile))
        self._folder.mkdir(parents=True, exist_ok=True)
        # In the same folder, so that what is whole only has to be renamed; what a process that
        # is stopped was just writing goes with it.
        with TemporaryDirectory(prefix=".watermark-", dir=self._folder) as scratch:
            sandbox = Sandbox(
                self._processes,
                memory_bytes=self._settings.watermark_memory_bytes,
                timeout=self._settings.watermark_timeout,
                folder=Path(scratch),
            )
            await self._watermark(todo, tally, sandbox, Path(scratch))
        return 0

    async def _watermark(
        self, todo: list[Job], tally: _Tally, sandbox: Sandbox, scratch: Path
    ) -> None:
        columns = (
            TextColumn("watermarking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with progress(*columns) as bar:
            shown = bar.add_task("", total=len(todo))
            works = [
                asyncio.create_task(self._one(sandbox, job, scratch, lambda: bar.advance(shown)))
                for job in todo
            ]
            try:
                for job, work in zip(todo, works, strict=True):
                    outcome = await work
                    if isinstance(outcome, str):
                        tally.ways["failed"] += 1
                        complain(f"{job.source}: {outcome}")
                    else:
                        _count(job.source, self._place_of(job.target, outcome), outcome, tally)
            finally:
                for work in works:
                    work.cancel()
                await asyncio.gather(*works, return_exceptions=True)
                await sandbox.close()

    async def _one(
        self, sandbox: Sandbox, job: Job, scratch: Path, ended: Callable[[], None]
    ) -> WatermarkResult | str:
        # Only what is whole gets its name.
        async with self._slots:
            temporary = scratch / uuid4().hex
            try:
                job.target.parent.mkdir(parents=True, exist_ok=True)
                came_again = await asyncio.to_thread(note_own_result, job.source, self._log)
                watermarked = await self._watermark_file(sandbox, job.source, temporary)
                temporary.replace(self._place_of(job.target, watermarked))
                is_watermarked = watermarked.method != "skip"
                content = (watermarked.sha256, self._profile) if is_watermarked else ()
                self._log.keep(job.target, self._made_by, *content)
                watermarked = replace(watermarked, notes=(*watermarked.notes, *came_again))
            except MediaProcessorError as error:
                return error.detail
            except OSError as error:
                return error.strerror or str(error)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                ended()
            return watermarked

    def _place_of(self, target: Path, made: WatermarkResult) -> Path:
        """With the extension of what came out: a HEIC too small for a logo stays one."""
        promised = content_type_of(target.suffix)
        if not self._names_are_ours or promised in (None, made.content_type):
            return target
        return target.with_suffix(extension_of(made.content_type))

    async def _watermark_file(
        self, sandbox: Sandbox, source: Path, target: Path
    ) -> WatermarkResult:
        date = f"{datetime.fromtimestamp(source.stat().st_mtime):%Y-%m-%d}"
        tokens = {"filename": source.name, "date": date, "id": ""}
        order = await self._tasks.build(source.absolute(), target, self._profile, tokens)
        return await sandbox.watermark(order)


def _count(source: Path, target: Path, outcome: WatermarkResult, tally: _Tally) -> None:
    tally.ways[outcome.method] += 1
    tally.lacks_core |= outcome.declined == NO_NATIVE_CORE
    with suppress(OSError):  # it may be gone by now
        tally.size += source.stat().st_size
    sys.stdout.write(f"{printable(str(target))}: {outcome.way}\n")
    for note in outcome.notes:
        sys.stdout.write(f"  {printable(note)}\n")
    sys.stdout.flush()
