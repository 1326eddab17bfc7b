"""``audit verify``: its options and help."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.options import Data, central_settings

audit = typer.Typer(name="audit", no_args_is_help=True, help="Check the activity log.")


@audit.callback()
def group() -> None:
    """Check the activity log."""


@audit.command()
def verify(
    data: Data = None,
    witness: Annotated[
        Path | None,
        typer.Option(
            help="A fast server's copy of the checkpoints. Default: uploads/witness.jsonl."
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(help="Public key of the central server. Default: the one beside AUDIT_KEY."),
    ] = None,
) -> None:
    """Check that the activity log hasn't been altered. The central server may keep running.

    \b
    Exit status:
      0  the log is intact
      1  it was altered (the first altered entry is printed), or it can't be read
    """
    from media_processor.cli.audit.report import verify_log

    raise typer.Exit(verify_log(central_settings(data), witness, public_key))
