"""Checks every stored picture and prints what is damaged or missing."""

import json
import sys
import time
from dataclasses import asdict

from rich.progress import DownloadColumn, SpinnerColumn, TextColumn, TransferSpeedColumn

from media_processor.central_server.catalogue import Catalogue, open_catalogue
from media_processor.central_server.database import readable
from media_processor.central_server.scrub import Bad, Scrubbed, scrub
from media_processor.cli.output import count, progress
from media_processor.errors import SetupError
from media_processor.settings import CentralServerSettings
from media_processor.storage.base import Storage
from media_processor.storage.factory import open_archive_storage


def scrub_archive(settings: CentralServerSettings, *, as_json: bool) -> int:
    try:
        storage = open_archive_storage(settings, must_exist=True)
    except FileNotFoundError:
        raise SetupError(
            f"There is no archive in {settings.media_data_dir}. Choose another folder with --data."
        ) from None
    catalogue = open_catalogue(settings.catalogue, must_exist=True)
    began = time.monotonic()
    try:
        with readable():
            found = _scrub_visibly(storage, catalogue, quiet=as_json)
    finally:
        catalogue.close()
    seconds = time.monotonic() - began
    if as_json:
        sys.stdout.write(json.dumps(asdict(found) | {"seconds": seconds}, indent=1) + "\n")
    else:
        sys.stdout.write(_summary(found, seconds))
    return 1 if found.bad else 0


def _scrub_visibly(storage: Storage, catalogue: Catalogue, *, quiet: bool) -> Scrubbed:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[files]:,} files"),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with progress(*columns) as shown:
        bar = shown.add_task("", total=None, files=0)
        count = 0

        def on_file(size: int, bad: Bad | None) -> None:
            nonlocal count
            count += 1
            shown.update(bar, advance=size, files=count)
            if bad and not quiet:
                sys.stdout.write(f"{bad.damage}: {bad.media_id} {bad.stored_path}\n")

        return scrub(storage, catalogue, on_file)


def _summary(found: Scrubbed, seconds: float) -> str:
    rate = found.bytes / 1e6 / max(seconds, 1e-9)
    verdict = f"{len(found.bad)} damaged or missing" if found.bad else "all intact"
    unknown = f", {count(found.unknown, 'file')} not in the catalogue" if found.unknown else ""
    return (
        f"{verdict}: {count(found.files, 'file')}, {found.bytes / 1e6:,.0f} MB in {seconds:.1f} s, "
        f"{rate:,.0f} MB/s{unknown}\n"
    )
