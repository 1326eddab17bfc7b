"""Whether pictures can be watermarked here: profiles, logos, native core, guarded processes."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from media_processor.cli.doctor.check import Finding, doubtful, told_by, well, wrong
from media_processor.errors import MediaProcessorError, SetupError
from media_processor.images import splice
from media_processor.images.logo import bundled_logo_path
from media_processor.messages.sandbox import WatermarkTask
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import PipelineSettings
from media_processor.watermarks.tasks import TaskBuilder

_GUARDED = "Landlock and seccomp"


async def examine_core() -> list[Finding]:
    """Whether what only the logo covers can be coded anew."""
    if splice.is_installed():
        return [well("native core", "installed: only what the logo covers is coded anew")]
    to_do = "Install cargo (https://rustup.rs), then: rm .venv/ready && make setup."
    return [doubtful("native core", "not installed: everything works, but slower", to_do)]


async def examine_watermarking(settings: PipelineSettings) -> list[Finding]:
    """Read the profiles, get their logos, and watermark a picture in a guarded process."""
    try:
        tasks = TaskBuilder(settings)
    except SetupError as error:
        return [wrong("profiles", error.detail, "Mend the file; docs/profiles.md explains it.")]
    names, by = list(tasks.profiles.all()), told_by(settings, "watermarks")
    found = [well("profiles", f"{len(names)}: {', '.join(names)} ({by})")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not settings.logo_dir.is_dir():  # look, but leave nothing behind
            settings = settings.model_copy(update={"media_data_dir": folder})
            tasks = TaskBuilder(settings)
        for profile in names:
            found += await _watermarked(settings, tasks, profile, folder)
    return found


async def _watermarked(
    settings: PipelineSettings, tasks: TaskBuilder, profile: str, folder: Path
) -> list[Finding]:
    logo = "logo" if profile == "default" else f"logo of {profile}"
    source = folder / "picture.png"
    by = told_by(settings, "google_logo" if profile == "default" else "watermarks")
    try:
        with _quiet():
            tokens = {"filename": "a.png", "date": "2026-01-15", "id": ""}
            order = await tasks.order(source, folder / "watermarked.png", profile, tokens)
    except MediaProcessorError as error:
        address = "GOOGLE_LOGO" if profile == "default" else "its logo in WATERMARKS"
        to_do = f"Set {address} to a PNG, WebP or JPEG (URL or file); till then its pictures wait."
        return [wrong(logo, f"{error.detail} ({by})", to_do)]
    found = _whose(logo, order, by, is_chosen=settings.google_logo_is_set)
    if profile != "default":  # one process is enough to know that they can be had
        return [found]
    return [found, await _painted(settings, order, source)]


def _whose(name: str, order: WatermarkTask, by: str, *, is_chosen: bool) -> Finding:
    if not is_chosen and order.logos == (str(bundled_logo_path()),):
        to_do = "Set GOOGLE_LOGO to your own logo."
        told = f"the one that ships with media-processor is used ({by})"
        return doubtful(name, told, to_do)
    return well(name, f"can be had and decoded ({by})")


async def _painted(settings: PipelineSettings, order: WatermarkTask, source: Path) -> Finding:
    from PIL import Image

    Image.new("RGB", (64, 48), "teal").save(source)
    sandbox = Sandbox(
        1,
        memory_bytes=settings.watermark_memory_bytes,
        timeout=settings.watermark_timeout,
        writable=[source.parent],
    )
    name = "picture processes"
    try:
        watermarked = await sandbox.watermark(order)
        missing = sandbox.missing_guards
    except MediaProcessorError as error:
        return wrong(name, error.detail, "The lines above tell why; is memory short?")
    finally:
        await sandbox.close()
    told = f"watermark a picture ({watermarked.method})"
    if missing:
        to_do = "Use a Linux of 5.13 or newer; limits on memory and time hold here too."
        return doubtful(name, f"{told}, but this kernel has no {' and no '.join(missing)}", to_do)
    return well(name, f"{told}, guarded by {_GUARDED}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What is found is told once."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
