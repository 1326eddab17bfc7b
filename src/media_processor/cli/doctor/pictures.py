"""Checks what watermarking needs: profiles, logos, native core, guarded processes."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from media_processor.cli.doctor.check import Finding, error, ok, source_of, warning
from media_processor.errors import MediaProcessorError, SetupError
from media_processor.images.logo import bundled_logo_path, svg_of
from media_processor.installation import native_core_advice
from media_processor.messages.sandbox import WatermarkTask
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import PipelineSettings
from media_processor.watermarks.tasks import TaskBuilder

_GUARDED = "Landlock and seccomp"


async def examine_core() -> list[Finding]:
    if advice := native_core_advice():
        return [warning("native core", "not installed: everything works, but slower", advice)]
    return [ok("native core", "installed: only what the logo covers is re-encoded")]


async def examine_watermarking(settings: PipelineSettings) -> list[Finding]:
    try:
        tasks = TaskBuilder(settings)
    except SetupError as problem:
        return [
            error("profiles", problem.detail, "Correct the file; docs/profiles.md lists the keys.")
        ]
    names, by = list(tasks.profiles.all()), source_of(settings, "watermarks")
    found = [ok("profiles", f"{len(names)}: {', '.join(names)} ({by})")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not settings.logo_dir.is_dir():  # look, but leave nothing behind
            settings = settings.model_copy(update={"media_data_dir": folder})
            tasks = TaskBuilder(settings)
        for profile in names:
            found += await _check_profile(settings, tasks, profile, folder)
    return found


async def _check_profile(
    settings: PipelineSettings, tasks: TaskBuilder, profile: str, folder: Path
) -> list[Finding]:
    logo = "logo" if profile == "default" else f"logo of {profile}"
    source = folder / "picture.png"
    by = source_of(settings, settings.logo_field if profile == "default" else "watermarks")
    try:
        with _quiet():
            tokens = {"filename": "a.png", "date": "2026-01-15", "id": ""}
            order = await tasks.build(source, folder / "watermarked.png", profile, tokens)
    except MediaProcessorError as problem:
        address = "LOGO" if profile == "default" else f"the logo of {profile} in WATERMARKS"
        to_do = f"Set {address} to a PNG, WebP, JPEG or SVG (URL or file). Pictures wait for it."
        return [error(logo, f"{problem.detail} ({by})", to_do)]
    found = _judge_logo(logo, order, by, is_chosen=settings.logo_is_set)
    svgs = [data for path in order.logos if (data := svg_of(Path(path).read_bytes())) is not None]
    if profile != "default" and not svgs:  # one process is enough to know that they can be had
        return [found]
    tried = await _watermark_one(settings, order, source)
    if svgs:
        found = _judge_svgs(logo, svgs, found, tried)
    return [found, tried] if profile == "default" else [found]


def _judge_logo(name: str, order: WatermarkTask, by: str, *, is_chosen: bool) -> Finding:
    if not is_chosen and order.logos == (str(bundled_logo_path()),):
        found = f"the bundled logo is used ({by})"
        return warning(name, found, "Set LOGO to your own logo.")
    if not is_chosen:
        return warning(name, "Google's logo is used, the default", "Set LOGO to your own logo.")
    return ok(name, f"available and readable ({by})")


def _judge_svgs(name: str, svgs: list[bytes], found: Finding, tried: Finding) -> Finding:
    from media_processor.images.svg import doubts

    if tried.state == "error":
        return error(name, tried.found, "Correct the SVG, or use a PNG. Pictures wait for it.")
    if doubtful := [doubt for data in svgs for doubt in doubts(data)]:
        to_do = "Look at it: media-processor profiles preview default"
        return warning(name, f"the SVG can be drawn, but {'; '.join(doubtful)}", to_do)
    return found


async def _watermark_one(settings: PipelineSettings, order: WatermarkTask, source: Path) -> Finding:
    from PIL import Image

    Image.new("RGB", (64, 48), "teal").save(source)
    sandbox = Sandbox(
        1,
        memory_bytes=settings.watermark_memory_bytes,
        timeout=settings.watermark_timeout,
        folder=source.parent,
    )
    name = "picture processes"
    try:
        watermarked = await sandbox.watermark(order)
        missing = sandbox.missing_guards
    except MediaProcessorError as problem:
        return error(
            name,
            problem.detail,
            "Check the results above, and whether this machine is short of memory.",
        )
    finally:
        await sandbox.close()
    found = f"a picture was watermarked ({watermarked.method})"
    if missing:
        to_do = "Use Linux 5.13 or newer. Memory and time limits work on this kernel, too."
        return warning(name, f"{found}, but this kernel lacks {' and '.join(missing)}", to_do)
    return ok(name, f"{found}, guarded by {_GUARDED}")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # The checks report everything themselves.
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
