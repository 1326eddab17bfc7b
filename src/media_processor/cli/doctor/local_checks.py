"""Checks this machine: settings, storage, open files."""

import asyncio
import os
import resource
import tempfile
from pathlib import Path

from media_processor.cli.config import configuration
from media_processor.cli.doctor.check import Finding, error, ok, source_of, warning
from media_processor.settings import ServerSettings
from media_processor.settings.variables import misspelt

# A fast server has two open for each upload, and a hundred of its own.
_FEW_FILES = 1024


async def examine_settings() -> list[Finding]:
    settings, unknown = configuration.settings(), misspelt()
    found = [
        error("settings", f"{one.variable}: {one.wrong}", f"Correct {one.variable}, or unset it.")
        for one in settings
        if one.wrong
    ]
    found += [
        warning("settings", f"no service reads {name}", f"Did you mean {meant}? Rename it.")
        for name, meant in unknown.items()
    ]
    given = sum(1 for one in settings if one.source == "environment")
    counts = f"{given} set, {len(settings) - given} defaults; media-processor config shows them"
    return found or [ok("settings", counts)]


async def examine_storage(settings: ServerSettings) -> list[Finding]:
    # Whether the disk keeps its promises in a power cut can't be checked from here.
    return await asyncio.to_thread(_storage, settings)


def _storage(settings: ServerSettings) -> list[Finding]:
    folder = settings.media_data_dir
    there = next(each for each in (folder, *folder.parents) if each.exists())
    found = [_writing(folder, there, source_of(settings, "media_data_dir"))]
    free = os.statvfs(there).f_bavail * os.statvfs(there).f_frsize
    room = f"{there}: {free:,} bytes free, {settings.min_free_bytes:,} needed"
    if free < settings.min_free_bytes:
        to_do = (
            "Free some space, or lower MIN_FREE_BYTES. Until then, uploads are refused with 503."
        )
        return [*found, error("disk", room, to_do)]
    return [*found, ok("disk", room)]


def _writing(folder: Path, there: Path, by: str) -> Finding:
    """``there`` is the folder, or its nearest parent that exists; ``by`` says who named it."""
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"doctor")
            os.fsync(file.fileno())
    except OSError as problem:
        to_do = "Make it writable for this user, or set MEDIA_DATA_DIR to another folder."
        return error("storage", f"{there} isn't writable: {problem.strerror} ({by})", to_do)
    if there != folder:
        return ok("storage", f"{folder} doesn't exist yet; the first start creates it ({by})")
    return ok("storage", f"{folder} is writable ({by})")


async def examine_open_files() -> list[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FEW_FILES:
        most = "unlimited" if hard == resource.RLIM_INFINITY else f"up to {hard:,}"
        to_do = f"Run ulimit -n {_FEW_FILES * 4} before you start the services (allowed: {most})."
        return [
            warning(
                "open files",
                f"{soft:,} per process, which is low for many uploads at a time",
                to_do,
            )
        ]
    return [ok("open files", f"{soft:,} per process")]
