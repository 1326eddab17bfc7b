"""``scrub`` and ``audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from media_processor.cli.commands.options import AsJson, Data

if TYPE_CHECKING:
    from media_processor.settings import CentralServerSettings

commands = typer.Typer()
audit = typer.Typer(no_args_is_help=True, help="The activity log's hash chain.")
commands.add_typer(audit, name="audit", rich_help_panel="Is all well?")


@commands.command(rich_help_panel="Is all well?")
def scrub(data: Data = None, as_json: AsJson = False) -> None:
    """Read every stored picture and compare it with the digest that the archive took it with.

    Reads only; the central server may go on working.

    \b
    Exit status:
      0  every picture is what it was
      1  otherwise
    """
    from media_processor.cli.archive import scrub_archive

    raise typer.Exit(scrub_archive(_central_settings(data), as_json=as_json))


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
        Path | None, typer.Option(help="The archive's public key. Default: beside AUDIT_KEY.")
    ] = None,
) -> None:
    """Check that nobody has altered the activity log. The central server may go on working.

    \b
    Exit status:
      0  the log is whole
      1  it isn't; the first entry at which it shows is told
    """
    from media_processor.cli.archive import verify_log

    raise typer.Exit(verify_log(_central_settings(data), witness, public_key))


def _central_settings(data: Path | None) -> "CentralServerSettings":
    from media_processor.settings import CentralServerSettings, read

    settings = read(CentralServerSettings)
    return settings.model_copy(update={"media_data_dir": data.absolute()}) if data else settings
