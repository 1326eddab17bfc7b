"""``scrub``: is every stored picture still what the archive took?"""

import json
import sys
import time
from dataclasses import asdict

import sqlalchemy as sa
from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn

from media_processor.central_server.catalogue import Catalogue, open_catalogue
from media_processor.central_server.scrub import Bad, Scrubbed, scrub
from media_processor.errors import SetupError
from media_processor.settings import CentralServerSettings


def scrub_archive(settings: CentralServerSettings, *, as_json: bool) -> int:
    """Check every stored file and print what is wrong; the exit status.

    Raises:
        SetupError: there is no archive.
    """
    catalogue = _existing_catalogue(settings)
    began = time.monotonic()
    try:
        found = _scrub_visibly(settings, catalogue, quiet=as_json)
    finally:
        catalogue.close()
    seconds = time.monotonic() - began
    if as_json:
        sys.stdout.write(json.dumps(asdict(found) | {"seconds": seconds}, indent=1) + "\n")
    else:
        sys.stdout.write(_summary(found, seconds))
    return 1 if found.bad else 0


def _existing_catalogue(settings: CentralServerSettings) -> Catalogue:
    if not settings.storage_dir.is_dir():
        raise SetupError(f"There is no archive in {settings.media_data_dir}. Say --data FOLDER.")
    if settings.database_url:
        return Catalogue(sa.make_url(settings.database_url.get_secret_value()))
    if not settings.catalogue_file.exists():
        raise SetupError(f"There is no catalogue in {settings.media_data_dir}.")
    return open_catalogue(settings.catalogue_file)


def _scrub_visibly(
    settings: CentralServerSettings, catalogue: Catalogue, *, quiet: bool
) -> Scrubbed:
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[files]:,} files"),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        bar = progress.add_task("", total=None, files=0)
        count = 0

        def on_file(size: int, bad: Bad | None) -> None:
            nonlocal count
            count += 1
            progress.update(bar, advance=size, files=count)
            if bad and not quiet:
                sys.stdout.write(f"{bad.damage}: {bad.media_id} {bad.stored_path}\n")

        return scrub(settings.media_data_dir, catalogue, on_file)


def _summary(found: Scrubbed, seconds: float) -> str:
    rate = found.bytes / 1e6 / max(seconds, 1e-9)
    verdict = f"{len(found.bad)} bad" if found.bad else "all well"
    unknown = f", {found.unknown} files without a row" if found.unknown else ""
    return (
        f"{verdict}: {found.files:,} files, {found.bytes / 1e6:,.0f} MB in {seconds:.1f} s, "
        f"{rate:,.0f} MB/s{unknown}\n"
    )
