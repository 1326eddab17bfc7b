"""``watermark``: brands pictures on this machine, without any server."""

import asyncio
import logging
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import track

from media_processor.errors import MediaProcessorError, SetupError
from media_processor.messages import branded_filename
from media_processor.sandbox.orders import Orders
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import WorkerSettings, read


def watermark_files(files: list[Path], output: Path | None, profile: str) -> int:
    """Brand the files; the exit status: 0 if all went well, else 1.

    Raises:
        SetupError, UnknownProfile, LogoUnavailable: nothing was branded.
    """
    settings = read(WorkerSettings)
    orders = Orders(settings)
    orders.profiles.get(profile)
    logging.basicConfig(format="media-processor: %(message)s", level=logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.ERROR)
    pairs = _pairs(files, output)
    failures = asyncio.run(
        _watermark(pairs, profile, settings, orders, into_folder=output is not None)
    )
    for source, reason in failures:
        sys.stderr.write(f"media-processor: {source}: {reason}\n")
    return 1 if failures else 0


def _pairs(files: list[Path], output: Path | None) -> list[tuple[Path, Path]]:
    for file in files if output else files[:1]:
        if not file.is_file():
            raise SetupError(f"{file} isn't a file.")
    if output:
        output.mkdir(parents=True, exist_ok=True)
        targets = [output / branded_filename(file.name, None) for file in files]
        if len(set(targets)) < len(targets):
            raise SetupError("Two of the pictures have the same name. Use a folder for each.")
        return list(zip(files, targets, strict=True))
    if len(files) != 2 or files[1].is_dir():
        raise SetupError("Give IN and OUT, or any number of pictures and --output FOLDER.")
    if not files[1].absolute().parent.is_dir():
        raise SetupError(f"{files[1].parent} isn't a folder.")
    return [(files[0], files[1])]


async def _watermark(
    pairs: list[tuple[Path, Path]],
    profile: str,
    settings: WorkerSettings,
    orders: Orders,
    *,
    into_folder: bool,
) -> list[tuple[Path, str]]:
    await orders.check(orders.profiles.get(profile))
    sandbox = Sandbox(
        min(settings.watermark_processes, len(pairs)),
        memory_bytes=settings.watermark_memory_bytes,
        timeout=settings.watermark_timeout,
        writable={target.absolute().parent for _, target in pairs},
    )

    async def one(source: Path, target: Path) -> tuple[Path, str] | None:
        """Gives why the picture failed."""
        date = f"{datetime.fromtimestamp(source.stat().st_mtime):%Y-%m-%d}"
        tokens = {"filename": source.name, "date": date, "id": ""}
        try:
            task = await orders.order(source.absolute(), target.absolute(), profile, tokens)
            painted = await sandbox.paint(task)
        except MediaProcessorError as error:
            return source, error.detail
        if into_folder and painted.extension:
            target = target.rename(
                target.with_name(branded_filename(source.name, painted.extension))
            )
        sys.stdout.write(f"{target}: {painted.way}\n")
        return None

    try:
        jobs = [asyncio.create_task(one(source, target)) for source, target in pairs]
        ended = asyncio.as_completed(jobs)
        console = Console(stderr=True)
        hidden = not console.is_terminal
        bar = track(ended, "branding", len(jobs), console=console, transient=True, disable=hidden)
        failures = [failure for job in bar if (failure := await job)]
    finally:
        await sandbox.close()
    return failures
