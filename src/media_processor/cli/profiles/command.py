"""``profiles list`` and ``profiles preview``: their options and help."""

from pathlib import Path
from typing import Annotated

import typer

profiles = typer.Typer(name="profiles", no_args_is_help=True, help="List and preview profiles.")


@profiles.command("list")
def list_profiles() -> None:
    """List the profiles in the file that WATERMARKS names, and check the file."""
    from media_processor.cli.profiles.listing import list_profiles as run

    raise typer.Exit(run())


@profiles.command()
def preview(
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: NAME.png.")
    ] = None,
) -> None:
    """Draw one sheet that shows a profile on eight kinds of pictures."""
    from media_processor.cli.profiles.preview import preview as run

    raise typer.Exit(run(name, output or Path(f"{name}.png")))
