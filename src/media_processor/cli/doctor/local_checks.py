"""This machine: settings, storage, open files."""

import asyncio
import os
import resource
import tempfile
from pathlib import Path

from media_processor.cli import configuration
from media_processor.cli.doctor.check import Finding, doubtful, told_by, well, wrong
from media_processor.settings import ServerSettings

# A fast server holds two for each upload, and a hundred of its own.
_FEW_FILES = 1024


async def examine_settings() -> list[Finding]:
    """Whether every variable can be used."""
    settings, unknown = configuration.settings(), configuration.misspelt()
    found = [
        wrong("settings", f"{one.variable}: {one.wrong}", f"Set {one.variable} anew, or unset it.")
        for one in settings
        if one.wrong
    ]
    found += [
        doubtful("settings", f"nothing reads {name}", f"Is {meant} meant? Rename it.")
        for name, meant in unknown.items()
    ]
    given = sum(1 for one in settings if one.source == "environment")
    told = f"{given} set, {len(settings) - given} by default; 'media-processor config' shows them"
    return found or [well("settings", told)]


async def examine_storage(settings: ServerSettings) -> list[Finding]:
    """Whether files can be written and there is room. What a disk keeps in a power cut can't
    be known from here."""
    return await asyncio.to_thread(_storage, settings)


def _storage(settings: ServerSettings) -> list[Finding]:
    folder = settings.media_data_dir
    there = next(each for each in (folder, *folder.parents) if each.exists())
    found = [_writing(folder, there, told_by(settings, "media_data_dir"))]
    free = os.statvfs(there).f_bavail * os.statvfs(there).f_frsize
    told = f"{there}: {free:,} bytes free, {settings.min_free_bytes:,} wanted"
    if free < settings.min_free_bytes:
        to_do = "Free some space, or lower MIN_FREE_BYTES; till then uploads are answered 503."
        return [*found, wrong("disk", told, to_do)]
    return [*found, well("disk", told)]


def _writing(folder: Path, there: Path, by: str) -> Finding:
    """``there`` is the folder itself, or what there is on the way to it; ``by`` who named it."""
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"doctor")
            os.fsync(file.fileno())
    except OSError as error:
        to_do = "Make it writable for this user, or set MEDIA_DATA_DIR to a folder that is."
        return wrong("storage", f"{there} can't be written: {error.strerror} ({by})", to_do)
    if there != folder:
        return well("storage", f"{folder} doesn't exist yet; it is made at the first start ({by})")
    return well("storage", f"{folder} can be written ({by})")


async def examine_open_files() -> list[Finding]:
    """How many files and connections a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FEW_FILES:
        most = "more" if hard == resource.RLIM_INFINITY else f"at most {hard:,}"
        to_do = f"Say 'ulimit -n {_FEW_FILES * 4}' before the services start ({most} are allowed)."
        return [doubtful("open files", f"{soft:,} a process, which many uploads exceed", to_do)]
    return [well("open files", f"{soft:,} a process")]
