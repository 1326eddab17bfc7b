"""Checks the activity log against its chain and prints the result."""

import sys
from pathlib import Path

from pydantic import ValidationError

from media_processor.central_server.audit import Altered, verify
from media_processor.central_server.chain import public_key_file, read_public_key
from media_processor.central_server.log_files import LogFiles
from media_processor.cli.output import count, notes
from media_processor.errors import SetupError
from media_processor.messages.archive import Checkpoint
from media_processor.settings import CentralServerSettings


def verify_log(
    settings: CentralServerSettings, witness: Path | None, public_key: Path | None
) -> int:
    if not LogFiles(settings.log_file).chain.exists():
        raise SetupError(
            f"There is no activity log with a hash chain in {settings.media_data_dir}."
        )
    key_file = public_key or public_key_file(settings.audit_key_file)
    key = read_public_key(key_file) if public_key or key_file.exists() else None
    seen = _witnessed(witness or settings.witness_file, must_exist=bool(witness))
    with notes().status("reading the activity log") as status:
        try:
            found = verify(
                settings.log_file, key, seen, lambda count: status.update(f"{count:,} entries")
            )
        except Altered as altered:
            sys.stderr.write(
                f"media-processor: The activity log was altered. First problem: {altered}.\n"
            )
            return 1
    sys.stdout.write(
        f"intact: {count(found.entries, 'entry', 'entries')}, "
        f"{count(found.checkpoints, 'checkpoint')}, {found.witnessed:,} witnessed\n"
    )
    return 0


def _witnessed(file: Path, *, must_exist: bool) -> list[Checkpoint]:
    # A crash may have torn the last line.
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
                raise SetupError(f"{file}: line {number} is not a checkpoint.") from None
    return found
