"""``profiles list`` and ``profiles preview``: their options and help."""

from pathlib import Path
from typing import Annotated

import typer

profiles = typer.Typer(name="profiles", no_args_is_help=True, help="List and preview profiles.")


@profiles.command("list")
def list_profiles() -> None:
    """Check the WATERMARKS file and list its profiles."""
    from media_processor.cli.profiles.listing import list_profiles as run

    raise typer.Exit(run())


@profiles.command()
def preview(
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: NAME.png.")
    ] = None,
) -> None:
    """Draw a contact sheet of eight kinds of pictures, watermarked with a profile."""
    from media_processor.cli.profiles.preview import preview as run

    raise typer.Exit(run(name, output or Path(f"{name}.png")))
