"""``scrub`` and ``audit verify``: are pictures and log still what the archive took?"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError
from rich.progress import DownloadColumn, SpinnerColumn, TextColumn, TransferSpeedColumn

from media_processor.central_server.audit import Altered, verify
from media_processor.central_server.catalogue import Catalogue, open_catalogue
from media_processor.central_server.chain import public_key_file, read_public_key
from media_processor.central_server.database import readable
from media_processor.central_server.log_files import Pieces
from media_processor.central_server.scrub import Bad, Scrubbed, scrub
from media_processor.cli.output import notes, progress
from media_processor.errors import SetupError
from media_processor.messages.archive import Checkpoint
from media_processor.settings import CentralServerSettings


def scrub_archive(settings: CentralServerSettings, *, as_json: bool) -> int:
    """Check every stored file and print what is wrong; the exit status.

    Raises:
        SetupError: there is no archive, or its catalogue can't be read.
    """
    if not settings.storage_dir.is_dir():
        raise SetupError(f"There is no archive in {settings.media_data_dir}. Say --data FOLDER.")
    catalogue = open_catalogue(settings.catalogue, must_exist=True)
    began = time.monotonic()
    try:
        with readable():
            found = _scrub_visibly(settings, catalogue, quiet=as_json)
    finally:
        catalogue.close()
    seconds = time.monotonic() - began
    if as_json:
        sys.stdout.write(json.dumps(asdict(found) | {"seconds": seconds}, indent=1) + "\n")
    else:
        sys.stdout.write(_summary(found, seconds))
    return 1 if found.bad else 0


def verify_log(
    settings: CentralServerSettings, witness: Path | None, public_key: Path | None
) -> int:
    """Check the activity log against its chain and witness; the exit status.

    Raises:
        SetupError: there is no log, or a file that was named can't be used.
    """
    if not Pieces(settings.log_file).chain.exists():
        raise SetupError(f"There is no log with a chain in {settings.media_data_dir}.")
    key_file = public_key or public_key_file(settings.audit_key_file)
    key = read_public_key(key_file) if public_key or key_file.exists() else None
    seen = _witnessed(witness or settings.uploads_dir / "witness.jsonl", must_exist=bool(witness))
    with notes().status("reading the log") as status:
        try:
            found = verify(
                settings.log_file, key, seen, lambda count: status.update(f"{count:,} entries")
            )
        except Altered as altered:
            sys.stderr.write(f"media-processor: The log was altered. First at {altered}.\n")
            return 1
    sys.stdout.write(
        f"all well: {found.entries:,} entries, {found.checkpoints:,} checkpoints, "
        f"{found.witnessed:,} witnessed\n"
    )
    return 0


def _witnessed(file: Path, *, must_exist: bool) -> list[Checkpoint]:
    """The checkpoints that a fast server has kept; the last line may be torn."""
    if not file.exists():
        if must_exist:
            raise SetupError(f"{file} doesn't exist.")
        return []
    found = []
    lines = file.read_bytes().splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            found.append(Checkpoint.model_validate_json(line))
        except ValidationError:
            if number < len(lines):
                raise SetupError(f"{file}: line {number} is no checkpoint.") from None
    return found


def _scrub_visibly(
    settings: CentralServerSettings, catalogue: Catalogue, *, quiet: bool
) -> Scrubbed:
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

        return scrub(settings.media_data_dir, catalogue, on_file)


def _summary(found: Scrubbed, seconds: float) -> str:
    rate = found.bytes / 1e6 / max(seconds, 1e-9)
    verdict = f"{len(found.bad)} bad" if found.bad else "all well"
    unknown = f", {found.unknown} files without a row" if found.unknown else ""
    return (
        f"{verdict}: {found.files:,} files, {found.bytes / 1e6:,.0f} MB in {seconds:.1f} s, "
        f"{rate:,.0f} MB/s{unknown}\n"
    )
